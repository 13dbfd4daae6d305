// Draws the plane: scores as colours, their gradient as arrows, data as circles, samples as dots.

const mixed = (a, b, t) => a.map((x, i) => x + t * (b[i] - x));
const rgb = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));

/// The page's colours, which change with its theme.
export function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(['ground', 'ink', 'soft', 'line', 'real', 'made'].map((name) => [name, style.getPropertyValue('--' + name).trim()]));
}

/// A canvas as large as it is shown, in pixels of the screen; the unit of what is drawn is a pixel of the page.
export function fitted(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas, scale = Math.min(3, devicePixelRatio || 1);
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const draw = canvas.getContext('2d');
  draw.setTransform(scale, 0, 0, scale, 0, 0);
  draw.clearRect(0, 0, width, height);
  return { draw, width, height };
}

const small = document.createElement('canvas');

function drawField(draw, size, { field, side }, c) {
  small.width = small.height = side;
  const image = new ImageData(side, side), [ground, real, made] = [rgb(c.ground), rgb(c.real), rgb(c.made)];
  for (let i = 0; i < field.length; ++i) {
    const score = Math.tanh(field[i] / 2), column = i % side, row = side - 1 - Math.floor(i / side);
    const colour = mixed(ground, score > 0 ? real : made, 0.45 * Math.abs(score));
    image.data.set([...colour, 255], 4 * (row * side + column));
  }
  small.getContext('2d').putImageData(image, 0, 0);
  draw.imageSmoothingEnabled = true;
  draw.imageSmoothingQuality = 'high';
  draw.drawImage(small, 0, 0, size, size);
}

/// `frame` is what the worker sees, null before it has seen anything; `points` of the data; `cursor` of the keyboard.
export function drawPlane(canvas, { frame, points, reach, cursor }) {
  const c = colours(), { draw, width: size } = fitted(canvas);
  const x = (value) => (value / reach + 1) / 2 * size, y = (value) => (1 - value / reach) / 2 * size;
  draw.fillStyle = c.ground;
  draw.fillRect(0, 0, size, size);
  if (frame) drawField(draw, size, frame, c);

  const dot = Math.max(1.7, size / 300);
  draw.strokeStyle = c.real;
  draw.globalAlpha = 0.55;
  draw.lineWidth = 1.1;
  draw.beginPath();
  for (let i = 0; i < points.length; i += 2) {
    draw.moveTo(x(points[i]) + dot, y(points[i + 1]));
    draw.arc(x(points[i]), y(points[i + 1]), dot, 0, 7);
  }
  draw.stroke();

  if (frame) {
    const { samples, arrows } = frame;
    draw.fillStyle = c.made;
    draw.globalAlpha = 0.8;
    draw.beginPath();
    for (let i = 0; i < samples.length; i += 2) {
      draw.moveTo(x(samples[i]), y(samples[i + 1]));
      draw.arc(x(samples[i]), y(samples[i + 1]), dot * 0.8, 0, 7);
    }
    draw.fill();

    // Steep and flat are told apart, and the steepest arrow is a twelfth of the plane.
    const lengths = Array.from({ length: arrows.length / 2 }, (_, i) => Math.hypot(arrows[2 * i], arrows[2 * i + 1]));
    draw.strokeStyle = c.ink;
    draw.globalAlpha = 0.55;
    draw.lineWidth = 1.2;
    draw.beginPath();
    lengths.forEach((length, i) => {
      const share = size / 12 / (length + 3);
      const [dx, dy] = [arrows[2 * i] * share, -arrows[2 * i + 1] * share], [x0, y0] = [x(samples[2 * i]), y(samples[2 * i + 1])];
      draw.moveTo(x0, y0);
      draw.lineTo(x0 + dx, y0 + dy);
      draw.moveTo(x0 + 0.72 * dx - 0.14 * dy, y0 + 0.72 * dy + 0.14 * dx);
      draw.lineTo(x0 + dx, y0 + dy);
      draw.lineTo(x0 + 0.72 * dx + 0.14 * dy, y0 + 0.72 * dy - 0.14 * dx);
    });
    draw.stroke();
  }
  draw.globalAlpha = 1;
  if (cursor) {
    draw.strokeStyle = c.ink;
    draw.lineWidth = 2;
    draw.beginPath();
    draw.arc(x(cursor[0]), y(cursor[1]), 9, 0, 7);
    draw.stroke();
  }
}
