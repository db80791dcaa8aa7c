"""What a booking costs, ticket by ticket, as pure functions of what is sold, what is asked for and the moment.

The steps, in this order; each module says why its rule is as it is:

1. `phases`: the list price of each ticket, from the first price phase that has not run out.
2. `discounts`: which tickets the organizer's automatic discounts fall on. Chosen on list prices, so that no voucher can
   shift a discount away from another ticket.
3. `vouchers`: which tickets the voucher covers: those on which it saves the buyer most, the dearest first among equals.
4. `costs`: what a ticket costs then: the voucher first, the automatic discount on what is left, never below zero, then
   the service fee on what still costs something, then the taxes that the sum includes.

`quote` runs the steps, `tender` says the result in another currency, `changes` prices a booking again when tickets go
or come, `refunds` says what goes back. The
steps are cut so that one more discount or voucher never raises the total: each only ever makes a ticket cheaper, and
where there is a choice between tickets, the earlier steps do not depend on it.
"""
