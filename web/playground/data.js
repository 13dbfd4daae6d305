// The problems: points around which the data lie, as a list of x, y, and how far around (sigma). All lie in the square
// from -1.2 to 1.2. `counted`: whether its points are modes that can be told apart.

const listOf = (count, place) => Float32Array.from({ length: 2 * count }, (_, i) => place(i >> 1)[i % 2]);

export const problems = {
  ring: {
    name: 'Ring', counted: true, sigma: 0.04,
    points: listOf(8, (i) => [Math.cos(i * Math.PI / 4), Math.sin(i * Math.PI / 4)]),
  },
  grid: { name: 'Grid', counted: true, sigma: 0.035, points: listOf(25, (i) => [(i % 5 - 2) / 2, (Math.floor(i / 5) - 2) / 2]) },
  moons: {
    name: 'Moons', counted: false, sigma: 0.05,
    points: listOf(80, (i) => {
      const angle = Math.PI * (i % 40) / 39, side = i < 40 ? 1 : -1;
      return [0.65 * side * Math.cos(angle) - 0.33 * side, 0.65 * side * Math.sin(angle) - 0.16 * side];
    }),
  },
  spiral: {
    name: 'Spiral', counted: false, sigma: 0.03,
    points: listOf(90, (i) => {
      const turn = Math.sqrt(0.03 + 0.97 * i / 89);
      return [1.1 * turn * Math.cos(3.4 * Math.PI * turn), 1.1 * turn * Math.sin(3.4 * Math.PI * turn)];
    }),
  },
};
export const drawnSigma = 0.04;
