#include "bouncer/unsubscribe/words.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

TEST(PageWordsTest, TheFirstLanguageThatIsSpoken) {
  struct Row {
    const char* accept;
    const char* language;
  };
  const Row rows[] = {
      {"", "en"},
      {"de", "de"},
      {"de-AT,de;q=0.9,en;q=0.8", "de"},
      {"DE", "de"},
      {"en;q=0.5, fr;q=0.9", "fr"},
      {"ja, pl;q=0.3", "pl"},
      {"ja", "en"},
      {"*", "en"},
      {"de;q=0", "en"},
      {"de;q=abc, it;q=0.1", "it"},
      {",,;;q=,", "en"},
      {"de;q=0.5,es;q=0.5", "de"},
  };
  for (const Row& row : rows) EXPECT_EQ(WordsFor(row.accept).language, row.language) << row.accept;
  std::string many;
  for (int i = 0; i < 100; ++i) many += "xx,";
  EXPECT_EQ(WordsFor(many + "de").language, "en");
}

}  // namespace
}  // namespace wavepost
