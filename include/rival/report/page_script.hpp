#pragma once
// What happens on a page: sliders, and the charts that uPlot draws.

#include <string_view>

namespace rival::internal {

inline constexpr std::string_view page_script = R"js(
(() => {
  'use strict';
  const dataOf = (section) => JSON.parse(section.querySelector('script').textContent);
  const number = (v) => v == null ? '\u2013' : v === 0 ? '0'
    : Number.isInteger(v) ? v.toLocaleString('en')
    : Math.abs(v) >= 1e7 || Math.abs(v) < 1e-3 ? v.toExponential(2)
    : Number(v.toPrecision(4)).toLocaleString('en', {maximumFractionDigits: 7});
  const compact = new Intl.NumberFormat('en', {notation: 'compact', maximumSignificantDigits: 4});
  const tick = (v) => v == null ? '' : v !== 0 && Math.abs(v) < 1e-3 ? v.toExponential(0) : compact.format(v);

  // Pictures over time.
  for (const section of document.querySelectorAll('section.frames')) {
    const {label, steps, pictures} = dataOf(section);
    const image = section.querySelector('img'), controls = section.querySelector('.controls');
    const [slider, output, play] = ['input', 'output', 'button'].map((name) => controls.querySelector(name));
    pictures.push(image.src);  // the last stands in the page already
    let timer = null;
    const show = () => {
      image.src = pictures[slider.value];
      image.alt = output.textContent = label + ' ' + number(steps[slider.value]);
    };
    const stop = () => { clearInterval(timer); timer = null; play.textContent = 'Play'; };
    slider.max = slider.value = pictures.length - 1;
    slider.addEventListener('input', () => { stop(); show(); });
    play.addEventListener('click', () => {
      if (timer !== null) return stop();
      if (+slider.value === pictures.length - 1) slider.value = 0, show();
      play.textContent = 'Pause';
      timer = setInterval(() => {
        slider.value = +slider.value + 1, show();
        if (+slider.value === pictures.length - 1) stop();
      }, Math.max(100, 6000 / pictures.length));
    });
    show();
    controls.hidden = pictures.length < 2;
  }

  // Curves. A long series is drawn faintly, with its mean on top.
  const gaps = 1;  // uPlot's name for "null stays, and breaks the line"
  for (const section of document.querySelectorAll('section.curves')) {
    const {label, series, marks} = dataOf(section);
    const place = section.querySelector('.chart'), button = section.querySelector('button');
    const tables = [], lines = [];  // a line: {name, colour (its number), raw, mean: numbers of uPlot's series}
    series.forEach(({name, x, y}, colour) => {
      tables.push([x, y]);
      lines.push({name, colour, raw: tables.length, dots: y.length <= 30});
    });
    series.forEach(({mean}, i) => {  // over all that is drawn faintly
      if (mean) tables.push([mean.x, mean.y]), lines[i].mean = tables.length;
    });
    const joined = uPlot.join(tables, tables.map(() => [gaps, gaps]));
    for (const y of joined.slice(1)) {  // a gap goes on to the next value, over the x of other series
      let gap = false;
      for (let i = 0; i < y.length; ++i) {
        if (y[i] !== undefined) gap = y[i] === null;
        else if (gap) y[i] = null;
      }
    }
    const counted = joined[0].every(Number.isInteger);
    const positive = joined.slice(1).some((y) => y.some((v) => v > 0));
    let logarithmic = false, chart = null;

    const colours = () => getComputedStyle(document.documentElement).getPropertyValue('--series').trim().split(/\s+/);
    const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const height = () => innerWidth < 600 ? 220 : 260;

    // A few spikes are not to flatten the rest: of long series all but the outermost hundredth are seen.
    function range(u) {
      let low = Infinity, high = -Infinity;
      const [from, to] = u.series[0].idxs || [0, joined[0].length - 1];
      for (let i = 1; i < u.data.length; ++i) {
        if (!u.series[i].show) continue;
        const seen = [];
        for (let k = from; k <= to; ++k) if (u.data[i][k] != null) seen.push(u.data[i][k]);
        seen.sort((a, b) => a - b);
        const cut = seen.length >= 100 ? Math.floor(seen.length / 100) : 0;
        if (seen.length > 0) low = Math.min(low, seen[cut]), high = Math.max(high, seen[seen.length - 1 - cut]);
      }
      if (!(low <= high)) return logarithmic ? [0.1, 1] : [0, 1];
      if (logarithmic) return uPlot.rangeLog(low, high, 10, false);
      if (low > 0 && low < 0.5 * high) low = 0;
      return uPlot.rangeNum(low, high, 0.1, true);
    }

    function draw() {
      if (chart !== null) chart.destroy();
      const palette = colours(), dim = variable('--dim'), grid = variable('--line'), warning = variable('--warning');
      const axis = {stroke: dim, grid: {stroke: grid, width: 1}, ticks: {stroke: grid, width: 1, size: 5}};
      const steps = [];
      for (let power = 1; power < 1e15; power *= 10) steps.push(power, 2 * power, 5 * power);
      const drawn = [{label, value: (u, v) => number(v)}];
      for (const {name, colour, raw, mean, dots} of lines) {
        const stroke = palette[colour % palette.length];
        const value = (u, v, i, at) => at == null ? number(null)
          : mean ? number(u.data[raw][u.cursor.idxs[raw]]) + (v == null ? '' : ' (mean ' + number(v) + ')') : number(v);
        drawn[raw] = {label: name, stroke: mean ? stroke + '4d' : stroke, width: mean ? 1 : 2, value,
          class: mean ? 'unseen' : undefined, points: {show: dots, size: 6, fill: stroke}};
        if (mean) drawn[mean] = {label: name, stroke, width: 2, value, points: {show: false}};
      }
      const data = !logarithmic ? joined
        : joined.map((y, i) => i === 0 ? y : y.map((v) => v == null || v > 0 ? v : null));
      chart = new uPlot({
        width: place.clientWidth, height: height(), series: drawn,
        scales: {x: {time: false}, y: {distr: logarithmic ? 3 : 1, range}},
        axes: [{...axis, size: 34, values: (u, all) => all.map(tick), ...(counted ? {incrs: steps} : {})},
          {...axis, values: (u, all) => all.map(tick),
            size: (u, all) => 16 + 7 * Math.max(3, ...(all || []).map((text) => text.length))}],
        cursor: {drag: {x: true, y: false}, points: {size: 7}},
        legend: {markers: {fill: (u, i) => drawn[i].stroke, width: 0}},
        hooks: {
          setSeries: [(u, i, {show}) => {  // the raw values go with their mean
            const line = i !== null && show !== undefined && lines.find((one) => one.mean === i);
            if (line) u.setSeries(line.raw, {show});
          }],
          draw: [(u) => {
            const {ctx, bbox} = u;
            ctx.save();
            ctx.strokeStyle = warning;
            ctx.setLineDash([4, 4]);
            for (const mark of marks) {
              const x = u.valToPos(mark, 'x', true);
              if (!(x >= bbox.left && x <= bbox.left + bbox.width)) continue;
              ctx.beginPath();
              ctx.moveTo(x, bbox.top);
              ctx.lineTo(x, bbox.top + bbox.height);
              ctx.stroke();
            }
            ctx.restore();
          }],
        },
      }, data, place);
      chart.over.addEventListener('touchmove', ({touches: [touch]}) => {
        const {left, top} = chart.over.getBoundingClientRect();
        chart.setCursor({left: touch.clientX - left, top: touch.clientY - top});
      }, {passive: true});
      place.chart = chart;
    }

    button.disabled = !positive;
    button.addEventListener('click', () => {
      logarithmic = !logarithmic;
      button.setAttribute('aria-pressed', logarithmic);
      draw();
    });
    section.querySelector('.controls').hidden = false;
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
    draw();
    new ResizeObserver(() => {
      if (chart.width !== place.clientWidth) chart.setSize({width: place.clientWidth, height: height()});
    }).observe(place);
  }
})();
)js";

}  // namespace rival::internal
