// Reference timing: single-precision matrix products in OpenBLAS, for the sizes of the benchmark `gemm`.
// needs: libopenblas-dev    build: g++ -O2 openblas_gemm.cpp -lopenblas -o openblas_gemm
// usage: OPENBLAS_NUM_THREADS=2 ./openblas_gemm 64x100x256 ...    A row per product m x k x n: GFLOP/s, median of 15.
#include <cblas.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    int m, k, n;
    if (std::sscanf(argv[i], "%dx%dx%d", &m, &k, &n) != 3) {
      std::fprintf(stderr, "openblas_gemm: expected a product like 64x100x256, got %s\n", argv[i]);
      return 2;
    }
    const auto count = [](int rows, int columns) {
      return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
    };
    std::vector<float> a(count(m, k), 0.5f), b(count(k, n), 0.25f), c(count(m, n));
    const double flops = 2.0 * m * k * n;
    const int repeats = std::max(1, static_cast<int>(5e7 / flops));
    std::vector<double> times;
    for (int trial = 0; trial < 18; ++trial) {
      const auto start = std::chrono::steady_clock::now();
      for (int r = 0; r < repeats; ++r)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a.data(), k, b.data(), n, 0, c.data(), n);
      if (trial >= 3)
        times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeats);
    }
    std::sort(times.begin(), times.end());
    std::printf("%s %.2f\n", argv[i], flops / times[times.size() / 2] / 1e9);
  }
}
