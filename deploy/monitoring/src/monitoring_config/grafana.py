"""Boards as the JSON that Grafana reads, through its own builders."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, dashboard

from monitoring_config.boards import NAMESPACE, Board, Panel
from monitoring_config.places import RUNBOOKS_MARK

SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
HEIGHTS = {"lines": 8, "areas": 8, "number": 4}
GREEN, YELLOW, RED = "green", "yellow", "red"


def rendered(board: Board) -> str:
    """The document of one dashboard, always the same for the same board."""
    made = (
        builders.Dashboard(board.title)
        .uid(f"usher-{board.name}")
        .description(board.text)
        .tags([*board.tags])
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .link(_other_dashboards())
        .link(_runbooks())
    )
    for variable in _variables(board):
        made = made.with_variable(variable)
    numbers = count(1)
    for section in board.sections:
        made = made.with_row(builders.Row(section.title).id(next(numbers)))
        for panel in section.panels:
            made = made.with_panel(_picture(board, panel, next(numbers)))
    document = json.loads(json.dumps(made.build(), cls=JSONEncoder))
    return _in_lines(document)


def _in_lines(document: dict[str, Any]) -> str:
    """JSON with a line for each panel: small, and a change shows where it is."""
    panels = document.pop("panels")
    head = json.dumps(document, ensure_ascii=False, sort_keys=True)
    each = ",\n".join(json.dumps(panel, ensure_ascii=False, sort_keys=True) for panel in panels)
    return f'{head[:-1]}, "panels": [\n{each}\n]}}\n'


def _picture(board: Board, panel: Panel, id: int) -> stat.Panel | timeseries.Panel:
    picture: stat.Panel | timeseries.Panel
    if panel.kind == "number":
        # One number looks at one moment; the small curve behind it would ask for the whole time again.
        picture = stat.Panel().graph_mode(common.BigValueGraphMode.NONE).color_mode(common.BigValueColorMode.VALUE)
    else:
        picture = _curves(panel)
    picture = (
        picture.id(id)
        .title(panel.title)
        .description(panel.text)
        .unit(panel.unit)
        .datasource(SOURCE)
        .span(panel.width)
        .height(HEIGHTS[panel.kind])
        .thresholds(_thresholds(panel))
    )
    if panel.alert:
        url = f"{RUNBOOKS_MARK}#{panel.alert.lower()}"
        link = builders.DashboardLink(f"Runbook: {panel.alert}").type(dashboard.DashboardLinkType.LINK)
        picture = picture.links([link.url(url).target_blank(True)])
    for letter, (legend, query) in zip("ABCDEFGH", panel.queries.items(), strict=False):
        asked = Dataquery().ref_id(letter).expr(board.filled_in(query)).legend_format(legend).datasource(SOURCE)
        picture = picture.with_target(asked.instant() if panel.kind == "number" else asked.range())
    return picture


def _curves(panel: Panel) -> timeseries.Panel:
    legend = common_builders.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM)
    legend = legend.display_mode(common.LegendDisplayMode.LIST)
    curves = timeseries.Panel().legend(legend).min(0).line_width(1)
    if panel.kind == "areas":
        stacked = common_builders.StackingConfig().mode(common.StackingMode.NORMAL)
        return curves.stacking(stacked).fill_opacity(30)
    return curves.fill_opacity(0)


def _thresholds(panel: Panel) -> builders.ThresholdsConfig:
    steps = [dashboard.Threshold(value=None, color=GREEN)]
    if panel.alarm is not None:
        warn = panel.alarm if panel.warn is None else panel.warn
        if warn <= panel.alarm:
            steps += [dashboard.Threshold(warn, YELLOW), dashboard.Threshold(panel.alarm, RED)]
        else:
            steps = [dashboard.Threshold(None, RED), dashboard.Threshold(panel.alarm, YELLOW)]
            steps += [dashboard.Threshold(warn, GREEN)]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)


def _variables(board: Board) -> Iterator[builders.DatasourceVariable | builders.QueryVariable]:
    yield builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    yield _chosen("namespace", "Namespace", "label_values(usher_service_info, namespace)")
    job = f'job="{board.service}"' if board.service else 'job=~"$service"'
    if not board.service:
        yield _chosen("service", "Service", f"label_values(usher_service_info{{{NAMESPACE}}}, job)")
    yield _chosen("instance", "Instance", f"label_values(usher_service_info{{{NAMESPACE}, {job}}}, instance)")


def _chosen(name: str, label: str, query: str) -> builders.QueryVariable:
    every = dashboard.VariableOption(selected=True, text="All", value="$__all")
    return (
        builders.QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(SOURCE)
        .current(every)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    )


def _other_dashboards() -> builders.DashboardLink:
    link = builders.DashboardLink("Usher").type(dashboard.DashboardLinkType.DASHBOARDS).tags(["usher"])
    return link.as_dropdown(True).include_vars(True).keep_time(True)


def _runbooks() -> builders.DashboardLink:
    return (
        builders.DashboardLink("Runbooks").type(dashboard.DashboardLinkType.LINK).url(RUNBOOKS_MARK).target_blank(True)
    )
