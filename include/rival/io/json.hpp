#pragma once
// JSON values. Needs nlohmann-json (rival::json), which parses, and writes numbers and texts. Its own lists and objects
// are not used: their destructor asks for memory, and where there is none the program ends.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rival/core/error.hpp"

namespace rival {

/// What is wrong with a JSON text or with a value in it.
class JsonError : public Error {
 public:
  using Error::Error;
};

/// A JSON value: null, a bool, a number, a text, a list, or members under names in their order. Whole numbers of 64
/// bits are exact. Lists and members may be added to; nothing else changes a value but assignment.
class Json {
 public:
  using List = std::vector<Json>;                             ///< the elements of a list
  using Members = std::vector<std::pair<std::string, Json>>;  ///< of an object: name and value, in their order

  Json() = default;
  Json(Json&&) noexcept = default;
  Json& operator=(Json&&) noexcept = default;
  // Not std::variant's own copy: where there is no memory for it, libstdc++ 12 takes down a value that is not there
  // yet.
  /// Copies the value with all that it holds.
  Json(const Json& other) {
    std::visit([&]<class T>(const T& value) { value_.template emplace<T>(value); }, other.value_);
  }
  /// Becomes a copy; where memory runs out, the earlier value stays.
  Json& operator=(const Json& other) { return *this = Json(other); }

  /// null
  Json(std::nullptr_t) {}
  /// true or false
  Json(std::same_as<bool> auto value) : value_(value) {}
  /// A double, also where its value is whole.
  Json(std::floating_point auto value) : value_(static_cast<double>(value)) {}
  /// A whole number, exact.
  template <std::integral T>
  requires(!std::same_as<T, bool>) Json(T value) {
    if (value < 0)
      value_ = static_cast<std::int64_t>(value);
    else
      value_ = static_cast<std::uint64_t>(value);
  }
  /// A text that ends in a 0 byte.
  Json(const char* text) : value_(std::string(text)) {}
  /// A text, which may have 0 bytes in it.
  Json(std::string text) : value_(std::move(text)) {}
  /// The same, copied.
  Json(std::string_view text) : value_(std::string(text)) {}
  /// A list of these elements.
  Json(List list) : value_(std::move(list)) {}
  /// An object of these members; names are not checked for being there twice.
  Json(Members members) : value_(std::move(members)) {}

  /// The list of a range's elements.
  template <class Range>
  static Json list_of(const Range& range) {
    return List(range.begin(), range.end());
  }
  /// The members of a map.
  template <class Map>
  static Json members_of(const Map& map) {
    return Members(map.begin(), map.end());
  }

  /// Throws JsonError for what is not JSON in UTF-8, has a name twice in one object, or lists and objects more than
  /// `levels` deep.
  static Json parse(std::string_view text, std::size_t levels = 512);

  /// Whether it is null, as a value is that nobody has set.
  bool is_null() const { return value_.index() == 0; }
  /// Whether it is true or false.
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  /// Whether it is a whole number, written without point and exponent.
  bool is_whole() const { return negative() != nullptr || std::holds_alternative<std::uint64_t>(value_); }
  /// Whether it is a whole number that fits into T.
  template <std::integral T>
  bool is_whole() const {
    if (negative() != nullptr) return std::in_range<T>(*negative());
    const auto* number = std::get_if<std::uint64_t>(&value_);
    return number != nullptr && std::in_range<T>(*number);
  }
  /// Whether it is a number that is not a whole one.
  bool is_double() const { return std::holds_alternative<double>(value_); }
  /// Whether it is a text.
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  /// Whether it is a list.
  bool is_list() const { return std::holds_alternative<List>(value_); }
  /// Whether it is an object.
  bool is_object() const { return std::holds_alternative<Members>(value_); }
  /// What it is, as JSON calls it.
  const char* type() const {
    static constexpr const char* names[] = {"null",   "boolean", "number", "number",
                                            "number", "string",  "array",  "object"};
    return names[value_.index()];
  }

  /// True or false. Throws JsonError for a value of another type.
  bool boolean() const { return get<bool>("a boolean"); }
  /// The text. Throws JsonError for a value of another type.
  const std::string& string() const { return get<std::string>("a text"); }
  /// The elements of the list. Throws JsonError for a value of another type.
  const List& list() const { return get<List>("a list"); }
  /// The members of the object. Throws JsonError for a value of another type.
  const Members& members() const { return get<Members>("an object"); }
  /// A whole number, which must fit into T.
  template <std::integral T>
  T whole() const {
    if (is_whole<T>())
      return negative() != nullptr ? static_cast<T>(*negative()) : static_cast<T>(std::get<std::uint64_t>(value_));
    if (is_whole()) throw JsonError("expected a number of " + std::to_string(8 * sizeof(T)) + " bits, got " + text());
    throw JsonError(std::string("expected a whole number, got ") + type());
  }
  /// Any number, rounded if it is a large whole one.
  double number() const {
    if (negative() != nullptr) return static_cast<double>(*negative());
    if (is_whole()) return static_cast<double>(std::get<std::uint64_t>(value_));
    return get<double>("a number");
  }

  /// The member of that name; null when there is none, or this is no object.
  const Json* find(std::string_view name) const {
    const auto* members = std::get_if<Members>(&value_);
    if (members == nullptr) return nullptr;
    const auto found = std::find_if(members->begin(), members->end(), [&](const auto& m) { return m.first == name; });
    return found != members->end() ? &found->second : nullptr;
  }
  /// The same. Throws JsonError when there is none.
  const Json& at(std::string_view name) const {
    members();
    if (const Json* found = find(name)) return *found;
    throw JsonError("expected a member \"" + std::string(name) + "\", found none");
  }
  /// The element of that place. Throws JsonError when there is none.
  const Json& at(std::size_t i) const {
    if (i < list().size()) return list()[i];
    throw JsonError("expected a list of more than " + std::to_string(i) + ", got " + std::to_string(list().size()));
  }

  /// Appends a member; its name must be a new one. Makes an object of null.
  Json& add(std::string name, Json value) & {
    if (is_null()) value_ = Members();
    get<Members>("an object");
    std::get<Members>(value_).emplace_back(std::move(name), std::move(value));
    return *this;
  }
  /// The same, to write an object out: `Json().add("a", 1).add("b", Json().add("c", 2))`. Braced lists would do it, but
  /// GCC 12 loses what such a list holds already when a later part of it throws.
  Json add(std::string name, Json value) && {
    add(std::move(name), std::move(value));
    return std::move(*this);
  }
  /// Appends an element. Makes a list of null.
  void push_back(Json value) {
    if (is_null()) value_ = List();
    get<List>("a list");
    std::get<List>(value_).push_back(std::move(value));
  }

  /// JSON without spaces. Doubles come back with the same bits; infinities and NaN, which JSON has not, become null.
  /// With `ascii` all other characters are escaped. Throws JsonError for texts that are not UTF-8.
  std::string text(bool ascii = false) const {
    std::string all;
    write(all, ascii);
    return all;
  }

  bool operator==(const Json&) const = default;

 private:
  class Reader;

  const std::int64_t* negative() const { return std::get_if<std::int64_t>(&value_); }
  template <class T>
  const T& get(const char* expected) const {
    if (const T* value = std::get_if<T>(&value_)) return *value;
    throw JsonError(std::string("expected ") + expected + ", got " + type());
  }

  static void write_scalar(std::string& to, const nlohmann::json& scalar, bool ascii) {
    try {
      to += scalar.dump(-1, ' ', ascii);
    } catch (const nlohmann::json::exception& error) {
      throw JsonError(error.what());
    }
  }
  template <class Elements, class Write>
  static void write_all(std::string& to, const char* brackets, const Elements& elements, const Write& write_one) {
    to += brackets[0];
    for (std::size_t i = 0; i < elements.size(); ++i) {
      if (i > 0) to += ',';
      write_one(elements[i]);
    }
    to += brackets[1];
  }
  void write(std::string& to, bool ascii) const {
    std::visit(
        [&]<class T>(const T& value) {
          if constexpr (std::same_as<T, List>) {
            write_all(to, "[]", value, [&](const Json& element) { element.write(to, ascii); });
          } else if constexpr (std::same_as<T, Members>) {
            write_all(to, "{}", value, [&](const auto& member) {
              write_scalar(to, member.first, ascii);
              to += ':';
              member.second.write(to, ascii);
            });
          } else if constexpr (std::same_as<T, std::monostate>) {
            to += "null";
          } else {
            write_scalar(to, value, ascii);
          }
        },
        value_);
  }

  // Whole numbers that are not negative are always unsigned ones, so that equal ones are equal.
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, List, Members> value_;
};

/// Builds a value of what the parser finds.
class Json::Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Reader(std::size_t levels) : levels_(levels) {}
  Json root;

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(std::int64_t value) override {
    if (value == 0) return put(-0.0);  // only -0 comes here, and is no whole number
    return put(value);
  }
  bool number_unsigned(std::uint64_t value) override { return put(value); }
  bool number_float(double value, const std::string&) override { return put(value); }
  bool string(std::string& value) override { return put(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) override { return false; }  // not in texts
  bool start_array(std::size_t) override { return open(List()); }
  bool end_array() override { return close(); }
  bool start_object(std::size_t) override { return open(Members()); }
  bool key(std::string& name) override {
    std::get<Members>(open_.back()->value_).emplace_back(std::move(name), nullptr);
    return true;
  }
  bool end_object() override {
    std::vector<std::string_view> names;
    for (const auto& [name, value] : open_.back()->members()) names.push_back(name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end()) throw JsonError("an object has the name " + Json(std::string(*twice)).text() + " twice");
    return close();
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    throw JsonError(std::string("not JSON: ") + error.what());
  }

 private:
  /// Where the next value belongs.
  Json& place() {
    if (open_.empty()) return root;
    auto& value = open_.back()->value_;
    if (auto* list = std::get_if<List>(&value)) return list->emplace_back();
    return std::get<Members>(value).back().second;  // its name came before
  }
  bool put(Json value) {
    place() = std::move(value);
    return true;
  }
  bool open(Json value) {
    if (open_.size() == levels_)
      throw JsonError("expected at most " + std::to_string(levels_) + " levels within each other, got more");
    Json& here = place();
    here = std::move(value);
    open_.push_back(&here);  // stays there until it is closed: nothing is added to what holds it
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::size_t levels_;
  std::vector<Json*> open_;
};

inline Json Json::parse(std::string_view text, std::size_t levels) {
  Reader reader(levels);
  nlohmann::json::sax_parse(text, &reader);
  return std::move(reader.root);
}

}  // namespace rival
