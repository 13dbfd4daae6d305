// Settings by name. What one does not say is as in `common`.

const common = {
  loss: 'relativistic', generator_rate: 1e-3, discriminator_rate: 1e-3, beta1: 0, r1: 0, r2: 0, gp: 0,
  discriminator_steps: 1, batch: 128, width: 64, average: false,
};

export const recipes = {
  rpgan: { name: 'Relativistic, R1 and R2 (R3GAN, 2024)', ...common, r1: 0.02, r2: 0.02, average: true },
  nsgan: { name: 'Non-saturating, R1 (2018)', ...common, loss: 'non-saturating', r1: 0.05, average: true },
  gan: { name: 'The first GAN (2014)', ...common, loss: 'non-saturating', beta1: 0.5 },
  minimax: { name: 'Minimax, as derived (2014)', ...common, loss: 'minimax', beta1: 0.5 },
  wgan: { name: 'Wasserstein, gradient penalty (2017)', ...common, loss: 'wasserstein', beta1: 0.5, gp: 0.1, discriminator_steps: 5, average: true },
  lsgan: { name: 'Least squares (2017)', ...common, loss: 'least-squares', beta1: 0.5 },
  hinge: { name: 'Hinge (2017)', ...common, loss: 'hinge', beta1: 0.5 },
  collapse: { name: 'The first GAN, set to collapse', ...common, loss: 'non-saturating', beta1: 0.9, generator_rate: 4e-3 },
};
