#pragma once
// How a page looks.

#include <string_view>

namespace rival::internal {

inline constexpr std::string_view page_style = R"css(
:root { color-scheme: light dark; --page: #fff; --card: #fafafa; --text: #222; --dim: #5f6368; --line: #ddd;
  --bar: #0072b2; --warning: #a33f00; --series: #0072b2 #c24e00 #007a59 #a8508a #8a6100 #2f7fb0; }
@media (prefers-color-scheme: dark) {
  :root { --page: #121416; --card: #1b1e21; --text: #e4e6e8; --dim: #a3a9ae; --line: #383d42; --bar: #56b4e9;
    --warning: #ffa05c; --series: #56b4e9 #ff9f4a #3ccf9f #e7a0cb #f0d34c #9dc7ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header, main, footer { max-width: 1240px; margin: 0 auto; padding: 0 16px; overflow-wrap: anywhere; }
h1 { font-size: 26px; line-height: 1.25; margin: 20px 0 4px; }
h2 { font-size: 18px; margin: 0 0 8px; }
p { margin: 4px 0 8px; }
header p, footer, .note, figcaption, .bars .count { color: var(--dim); }
footer { padding-bottom: 24px; font-size: 14px; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px;
  grid-auto-flow: dense; align-items: start; padding-top: 12px; padding-bottom: 20px; }
section { min-width: 0; border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; background: var(--card); }
section.wide { grid-column: 1 / -1; }
img { max-width: 100%; height: auto; image-rendering: pixelated; vertical-align: top; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: 4px 16px 4px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
td:last-child, th:last-child { padding-right: 0; }
td.number, th.number { text-align: right; white-space: nowrap; }
.wide th, .wide td { white-space: nowrap; }
.wide td:last-child { white-space: normal; min-width: 20em; }
.plain th { font-weight: 400; color: var(--dim); white-space: nowrap; }
.plain td { overflow-wrap: anywhere; min-width: 8em; }
.warnings { border-color: var(--warning); }
.warnings b { color: var(--warning); }
.warnings ul { margin: 0; padding-left: 20px; max-height: 24em; overflow-y: auto; }
.pictures div { display: flex; flex-wrap: wrap; gap: 12px; }
figure { margin: 0; max-width: 100%; }
@media (max-width: 600px) { .hint { display: none; } }
figcaption { font-size: 13px; }
.bars dl { display: grid; grid-template-columns: fit-content(40%) 1fr max-content; gap: 2px 8px; margin: 0;
  align-items: center; font-size: 14px; font-variant-numeric: tabular-nums; }
.bars dt { overflow-wrap: anywhere; text-align: right; }
.bars dd { margin: 0; }
.bars .count { text-align: right; }
.bars i { display: block; background: var(--bar); border-radius: 2px; }
.bars dl i { height: 14px; min-width: 1px; }
.bars .many { display: flex; align-items: flex-end; height: 160px; border-bottom: 1px solid var(--line); }
.bars .many i { flex: 1 1 0; border-radius: 0; }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; margin-top: 8px; }
.controls input[type=range] { flex: 1 1 160px; min-width: 0; height: 32px; accent-color: var(--bar); }
.controls output { flex: none; min-width: 7em; font-variant-numeric: tabular-nums; }
button { font: inherit; font-size: 14px; color: inherit; background: var(--page); border: 1px solid var(--line);
  border-radius: 6px; padding: 4px 12px; min-height: 32px; cursor: pointer; }
button[aria-pressed=true] { border-color: var(--bar); color: var(--bar); }
button:disabled { opacity: .4; cursor: default; }
[hidden] { display: none !important; }
.chart { min-height: 260px; touch-action: pan-y; }
.chart .uplot { font-family: inherit; }
.chart .u-legend { font-size: 13px; text-align: left; }
.chart .u-legend th, .chart .u-legend td { border: 0; padding: 2px; }
.chart .u-legend .unseen { display: none; }
.chart .u-legend .u-value { font-variant-numeric: tabular-nums; }
.chart .u-select { background: color-mix(in srgb, var(--bar) 20%, transparent); }
.chart .u-cursor-x, .chart .u-cursor-y { border-color: var(--dim); }
)css";

}  // namespace rival::internal
