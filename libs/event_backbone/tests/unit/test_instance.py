"""Group members of one machine have different names, and a killed one's name is free again at once."""

import subprocess
import sys

from event_backbone.instance import instance_of

HOLD = """
import sys
from event_backbone.instance import instance_of
with instance_of("g", sys.argv[1]) as name:
    print(name, flush=True)
    sys.stdin.read()
"""


def test_two_members_have_two_names_and_other_groups_do_not_matter(tmp_path):
    with instance_of("g", str(tmp_path)) as one, instance_of("g", str(tmp_path)) as two:
        assert one != two
        with instance_of("h", str(tmp_path)) as other:
            assert other == one
    with instance_of("g", str(tmp_path)) as again:
        assert again == one


def test_the_name_of_a_killed_process_is_taken_over(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    name = holder.stdout.readline().strip()
    with instance_of("g", str(tmp_path)) as beside:
        assert beside != name
    holder.kill()
    holder.communicate()
    with instance_of("g", str(tmp_path)) as after:
        assert after == name
