#include "rival/data/text.hpp"
#include "catch.hpp"

#include <string>
#include <vector>

#include "rival/core/file.hpp"
#include "rival/data/loader.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::Message;
using rival::Alphabet;
using rival::Index;
using rival::Label;
using rival::read_text;
using rival_test::TemporaryFolder;

namespace {

struct File : TemporaryFolder {
  explicit File(const std::string& text) { rival::replace_file(path(), text); }
  std::filesystem::path path() const { return *this / "text.txt"; }
};

std::vector<std::string> lines_of(const rival::Text& text) {
  std::vector<std::string> all;
  for (Index i = 0; i < text.data.size(); ++i) all.push_back(text.alphabet.text(text.data.values<Label>(i)));
  return all;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("alphabet: characters are code points, symbol 0 is the padding") {
  const Alphabet alphabet("aé€😀");
  CHECK(alphabet.symbols() == 5);
  CHECK(alphabet.characters() == "aé€😀");
  CHECK(alphabet.symbol(U'€') == 3);
  CHECK(alphabet.symbol(U'b') == 0);
  CHECK(alphabet.tokens("😀éa", 5) == std::vector<Label>{4, 2, 1, 0, 0});
  CHECK(alphabet.text(alphabet.tokens("😀éa", 5)) == "😀éa");
  CHECK(alphabet.text(std::vector<Label>{1, 0, 2, 0}) == "a_é");
  CHECK(alphabet.text(std::vector<Label>{0, 0, 2}, "·") == "··é");
  CHECK(alphabet.text(std::vector<Label>{0, 0}).empty());
  CHECK(alphabet.text({}).empty());
}

TEST_CASE("alphabet: refuses what it cannot be") {
  CHECK_THROWS_MATCHES(Alphabet(""), rival::Error, Message("alphabet: expected 1 to 65535 characters, got 0"));
  CHECK_THROWS_MATCHES(Alphabet("aéa"), rival::Error, Message("alphabet: expected each character once, got 'a' twice"));
  CHECK_THROWS_MATCHES(Alphabet("a\n"), rival::Error, Message("alphabet: expected no line's end among its characters"));
  CHECK_THROWS_MATCHES(Alphabet("a\xff"), rival::Error, Message("alphabet: expected UTF-8, got broken text"));
  const Alphabet alphabet("ab");
  CHECK_THROWS_MATCHES(alphabet.tokens("abba", 3), rival::Error,
                       Message("alphabet: expected at most 3 characters, got 4 in abba"));
  CHECK_THROWS_MATCHES(alphabet.tokens("aé", 3), rival::Error,
                       Message("alphabet: expected its own characters, got 'é' in aé"));
  CHECK_THROWS_MATCHES(alphabet.text(std::vector<Label>{3}), rival::Error,
                       Message("alphabet: expected symbols below 3, got 3"));
}

TEST_CASE("alphabet: what is no UTF-8") {
  std::u32string points;
  for (const char* broken : {"\x80", "a\xc3", "\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xed\xa0\x80",
                             "\xf4\x90\x80\x80", "\xff", "\xc3(", "\xf8\x88\x80\x80\x80"}) {
    INFO(broken);
    CHECK_FALSE(rival::internal::characters_of(broken, points));
  }
  CHECK(rival::internal::characters_of("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
                                       points));
  CHECK(points == std::u32string{0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff});
  std::string again;
  for (const char32_t point : points) rival::internal::append_utf8(again, point);
  CHECK(again == "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

TEST_CASE("read_text: a line a sample, whatever ends it, as a 1 for each symbol") {
  const File file(
      "\xef\xbb\xbf"
      "cab\r\n\nbé\nb");
  const rival::Text text = read_text(file.path());
  CHECK(lines_of(text) == Lines{"cab", "bé", "b"});
  CHECK(text.alphabet.characters() == "abcé");
  CHECK(text.data.sample_shape() == rival::Shape({3, 5}));
  CHECK(!text.data.has_labels());
  CHECK(text.empty == 1);
  CHECK(text.describe() == "3 lines of at most 3 characters, an alphabet of 4: abcé\n1 line was left out: empty\n");
  rival::Loader<> loader(text.data, {.batch = 3, .shuffle = false}, rival::Random(1));
  rival::Tensor<> batch;
  REQUIRE(loader.next(batch));
  CHECK(batch.shape() == rival::Shape({3, 3, 5}));
  // "bé" and a place of padding: b is symbol 2, é is symbol 4.
  CHECK(std::vector<float>(batch.data() + 15, batch.data() + 20) == std::vector<float>{0, 0, 1, 0, 0});
  CHECK(std::vector<float>(batch.data() + 20, batch.data() + 25) == std::vector<float>{0, 0, 0, 0, 1});
  CHECK(std::vector<float>(batch.data() + 25, batch.data() + 30) == std::vector<float>{1, 0, 0, 0, 0});
}

TEST_CASE("read_text: counts what it leaves out") {
  const File file("abc\nab\nabcdef\nabx\nAbc\n\xff\xff\n\n");
  const rival::Text text = read_text(file.path(), {.length = 5, .shortest = 3, .alphabet = "abcdef"});
  CHECK(lines_of(text) == Lines{"abc"});
  CHECK(text.data.sample_shape() == rival::Shape({5, 7}));
  CHECK(text.too_long == 1);
  CHECK(text.too_short == 1);
  CHECK(text.foreign == 2);
  CHECK(text.broken == 1);
  CHECK(text.empty == 1);
  CHECK(text.describe() ==
        "1 line of at most 5 characters, an alphabet of 6: abcdef\n"
        "1 line was left out: too long\n"
        "1 line was left out: too short\n"
        "2 lines were left out: of other characters, such as 'x'\n"
        "1 line was left out: no UTF-8\n"
        "1 line was left out: empty\n");
  // By itself no sample has more than 64 characters.
  const File wide(std::string(64, 'a') + '\n' + std::string(65, 'b') + '\n');
  CHECK(lines_of(read_text(wide.path())) == Lines{std::string(64, 'a')});
}

TEST_CASE("read_text: long lines in pieces of whole words") {
  const File file("in the beginning god created\nthe heaven\nunpronounceable word\n");
  const rival::Text text = read_text(file.path(), {.length = 10, .wrap = true});
  CHECK(lines_of(text) == Lines{"in the", "beginning", "god", "created", "the heaven", "word"});
  CHECK(text.too_long == 1);
  CHECK(text.empty == 0);
}

TEST_CASE("read_text: a folder's texts are classes") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "languages");
  rival::replace_file(folder / "languages" / "german.txt", std::string("ja\nnein\n"));
  rival::replace_file(folder / "languages" / "english.txt", std::string("yes\nxx\nno\n"));
  rival::replace_file(folder / "languages" / ".hidden", std::string("hidden\n"));
  const rival::Text text = read_text(folder / "languages", {.alphabet = "aeijnosy"});
  CHECK(lines_of(text) == Lines{"yes", "no", "ja", "nein"});
  CHECK(text.class_names == Lines{"english", "german"});
  CHECK(std::vector<Label>(text.data.labels().begin(), text.data.labels().end()) == std::vector<Label>{0, 0, 1, 1});
  CHECK(text.data.classes() == 2);
  CHECK(text.describe() ==
        "4 lines of at most 4 characters, an alphabet of 8: aeijnosy\n"
        "2 classes from files: english (2), german (2)\n"
        "1 line was left out: of other characters, such as 'x'\n");
}

TEST_CASE("read_text: refuses what gives no samples") {
  const File file("abc\n");
  const std::string path = rival::internal::concatenate(file.path());
  CHECK_THROWS_MATCHES(read_text(file.path(), {.length = 2}), rival::Error,
                       Message("text: expected lines of 1 to 2 characters in " + path + ", found none"));
  CHECK_THROWS_MATCHES(read_text(file.path(), {.alphabet = "xy"}), rival::Error,
                       Message("text: expected lines of the alphabet xy in " + path + ", found none"));
  CHECK_THROWS_MATCHES(read_text(file.path(), {.length = -1}), rival::Error,
                       Message("text: expected a length from 0 to 65536, got -1"));
  CHECK_THROWS_MATCHES(
      read_text(file.path(), {.length = 2, .shortest = 3}), rival::Error,
      Message("text: expected a shortest line of at least 1 character and no more than the longest, got 3"));
  const File picture(std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16));
  CHECK_THROWS_MATCHES(read_text(picture.path()), rival::Error,
                       Message(rival::internal::concatenate(
                           "text ", picture.path(), ": expected a text of UTF-8, got other bytes (it is a picture)")));
  const auto none = file / "none";
  CHECK_THROWS_MATCHES(read_text(none), rival::Error,
                       Message(rival::internal::concatenate("text ", none, ": no such file")));
  std::filesystem::create_directory(none);
  CHECK_THROWS_MATCHES(
      read_text(none), rival::Error,
      Message(rival::internal::concatenate("text: expected texts in the folder ", none, ", found none")));
}

TEST_CASE("read_text: carriage returns end lines, as many as there are before a line feed") {
  CHECK(lines_of(read_text(File("abc\r\r\nxyz\r\nab\rc\n").path())) == Lines{"abc", "xyz", "ab", "c"});
  CHECK(lines_of(read_text(File("ab\rxy\r").path())) == Lines{"ab", "xy"});
  CHECK(lines_of(read_text(File(" abcd efgh\n   \n").path(), {.length = 4, .wrap = true})) == Lines{"abcd", "efgh"});
  const std::string name(5000, 'x');
  CHECK_THROWS_AS(read_text(name), rival::Error);
}
