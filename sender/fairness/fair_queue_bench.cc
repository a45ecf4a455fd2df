// Turns a second of the fair queue. Mark: five million with 10 tenants of 10 waves of 1000 lanes each.
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "sender/fairness/fair_queue.h"

namespace wavepost {
namespace {

// Arguments: tenants, waves of each, lanes of each wave.
void BM_Turns(benchmark::State& state) {
  const auto tenants = static_cast<uint32_t>(state.range(0));
  const auto waves = static_cast<uint32_t>(state.range(1));
  const auto lanes = static_cast<uint32_t>(state.range(2));
  std::vector<char> places(static_cast<size_t>(tenants) * waves * lanes);
  FairQueue queue;
  for (uint32_t i = 0; i < places.size(); ++i) {
    queue.Add(&places[i], {.tenant = i % tenants, .wave = i / tenants % waves});
  }
  for (auto _ : state) benchmark::DoNotOptimize(queue.Next({}));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Turns)->Args({10, 10, 1000})->Args({1, 1, 1})->Args({100, 10, 10})->Args({1000, 1, 10});

// A lane that comes with one message and goes with it.
void BM_AddTakeRemove(benchmark::State& state) {
  FairQueue queue;
  char others[64];
  for (uint32_t i = 0; i < 64; ++i) queue.Add(&others[i], {.tenant = i % 8, .wave = i / 8});
  char lane = 0;
  for (auto _ : state) {
    queue.Add(&lane, {.urgent = true, .tenant = 9});
    benchmark::DoNotOptimize(queue.Next({}));
    queue.Remove(&lane);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_AddTakeRemove);

}  // namespace
}  // namespace wavepost

BENCHMARK_MAIN();
