"""What the chart makes of all pairs of settings, rendered beside the tests that wait for the cluster."""

from helm_chart import ChartRefused, render
from switches import all_pairs, pairs_of, rows, switches, values_of


class Combinations:
    """Of one environment: each setting alone, all pairs of settings in few rows, and pairs that no row could have."""

    def __init__(self, environment, timed):
        self.environment, self.taken, self.refused = environment, [], []
        with timed(f"{environment}: all pairs of settings, and each alone, rendered"):
            self.render_choices()

    def render_choices(self):
        self.choices = {
            name: [
                value
                for value, objects in zip(values, self.render_all({name: each} for each in values), strict=True)
                if objects
            ]
            for name, values in switches().items()
        }
        self.render_all(rows(self.choices))
        self.render_all([dict(pair) for pair in self.missing()])

    def render_all(self, wanted):
        """The objects of each, none where the chart refuses."""
        return [self.render_one(each) for each in wanted]

    def render_one(self, row):
        try:
            objects = render(self.environment, values_of(row))
        except ChartRefused as refused:
            self.refused.append((row, str(refused)))
            return []
        self.taken.append((row, objects))
        return objects

    def missing(self):
        """Pairs of settings, each of which the chart takes alone, in no row that it took."""
        return all_pairs(self.choices) - {pair for row, _ in self.taken for pair in pairs_of(row)}
