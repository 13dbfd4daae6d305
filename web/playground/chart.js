// A small chart of some curves over the steps.
import { colours, fitted } from './plane.js';

/// What has been seen, thinned out when it becomes long, so that a curve is drawn in no time however long one trains.
export class History {
  steps = []; rows = [];
  #every = 1; #count = 0;

  add(step, row) {
    if (this.#count++ % this.#every !== 0) return;
    this.steps.push(step);
    this.rows.push(row);
    if (this.steps.length < 800) return;
    this.steps = this.steps.filter((_, i) => i % 2 === 0);
    this.rows = this.rows.filter((_, i) => i % 2 === 0);
    this.#every *= 2;
  }
}

/// `curves` are [column, colour's name]; `range` is [lowest, highest], or null for that of nearly all values.
export function drawChart(canvas, history, curves, range) {
  const c = colours(), { draw, width, height } = fitted(canvas), left = 34, bottom = height - 16;
  if (!range) {
    const values = curves.flatMap(([column]) => history.rows.map((row) => row[column])).filter(Number.isFinite).sort((a, b) => a - b);
    const at = (share) => values[Math.round(share * (values.length - 1))] ?? 0;
    const [low, high] = [Math.min(0, at(0.01)), at(0.99)];
    range = [low, high > low ? high + 0.08 * (high - low) : low + 1];
  }
  const last = Math.max(1, history.steps.at(-1) ?? 1);
  const x = (step) => left + step / last * (width - left - 2), y = (value) => bottom - (value - range[0]) / (range[1] - range[0]) * (bottom - 6);
  draw.font = '11px system-ui, sans-serif';
  draw.fillStyle = c.soft;
  draw.strokeStyle = c.line;
  draw.textAlign = 'right';
  draw.textBaseline = 'middle';
  const middle = (range[0] + range[1]) / 2;
  for (const value of [range[0], middle, range[1]]) {
    const text = Math.abs(value) >= 10 ? value.toFixed(0) : String(+value.toFixed(2));
    draw.fillText(text, left - 6, Math.min(bottom, Math.max(6, y(value))));
    draw.beginPath();
    draw.moveTo(left, Math.round(y(value)) + 0.5);
    draw.lineTo(width, Math.round(y(value)) + 0.5);
    draw.stroke();
  }
  draw.textBaseline = 'alphabetic';
  draw.fillText(last.toLocaleString('en') + ' steps', width, height - 2);
  draw.save();
  draw.beginPath();
  draw.rect(left, 0, width - left, bottom + 1);
  draw.clip();
  draw.lineWidth = 1.5;
  for (const [column, colour] of curves) {
    draw.strokeStyle = c[colour];
    draw.beginPath();
    history.rows.forEach((row, i) => draw.lineTo(x(history.steps[i]), y(row[column])));
    draw.stroke();
  }
  draw.restore();
}
