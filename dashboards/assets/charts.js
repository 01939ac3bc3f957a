// Draws each chart from the JSON beside it, after the page has been painted. The numbers are in the page without it.
"use strict";

const COLOURS = ["#1f6f54", "#b4541a", "#3b5bb5", "#7a4a8c"];
const DASHES = ["solid", "dashed", "dotted", [8, 3, 2, 3]];

function writer(language, form) {
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 2 });
  const yen = new Intl.NumberFormat(language, { style: "currency", currency: "JPY", maximumFractionDigits: 0 });
  const plain = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  const format = { percent, yen }[form] || plain;
  return (value) => (value === null || value === undefined || Number.isNaN(value) ? "—" : format.format(value));
}

function seriesOf(drawing, isBars) {
  return drawing.series.map((one, index) => ({
    type: isBars ? "bar" : "line",
    name: one.name,
    data: one.values,
    color: COLOURS[index % COLOURS.length],
    barMaxWidth: 18,
    symbolSize: 5,
    lineStyle: { width: 2, type: DASHES[index % DASHES.length] },
  }));
}

function optionOf(drawing, font) {
  const isBars = drawing.kind === "bars";
  const write = writer(drawing.language, drawing.form);
  const names = { type: "category", data: drawing.labels, inverse: isBars, axisTick: { show: false }, axisLabel: { color: "#4a5752" } };
  const values = { type: "value", splitNumber: 4, axisLabel: { formatter: write, color: "#4a5752", hideOverlap: true }, splitLine: { lineStyle: { color: "#e3e8e5" } } };
  return {
    animation: false,
    textStyle: { fontFamily: font },
    grid: { left: 4, right: 24, top: 12, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: write, confine: true },
    xAxis: isBars ? values : names,
    yAxis: isBars ? names : values,
    series: seriesOf(drawing, isBars),
  };
}

function draw(place) {
  const drawing = JSON.parse(place.nextElementSibling.textContent);
  const chart = echarts.init(place, null, { renderer: "svg" });
  chart.setOption(optionOf(drawing, getComputedStyle(document.body).fontFamily));
  new ResizeObserver(() => chart.resize()).observe(place);
}

requestAnimationFrame(() => setTimeout(() => document.querySelectorAll(".chart").forEach(draw)));
