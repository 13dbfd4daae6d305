#pragma once
// Names with and without a text, for undocumented.sh. What it must find says so in its name.

namespace rival {

/// Has a text.
class Base {
 public:
  Base() = default;
  /// Has a text.
  virtual void overridden() = 0;
  void missing_member();

 protected:
  int missing_protected();

 private:
  int of_its_own();
};

/// Has a text.
struct Derived : Base {
  void overridden() override;
  int missing_field = 0;
  int first = 0,  ///< has a text
      missing_second = 0;
};

/// Has a text.
template <class S = float>
struct TemplateBase {
  /// Has a text.
  virtual void overridden(const S& value) const = 0;
};

/// Has a text.
template <class S = float>
struct TemplateDerived : TemplateBase<S> {
  void overridden(const S& value) const override;
};

struct MissingStruct {
  int of_it;  ///< has a text
};

/// Has a text.
int with_text();
int missing_function();

/// Has a text with `<p>` in it, and <b>one that is not closed.
int missing_end();

namespace internal {
int of_the_library();
}

namespace recipes {
int missing_in_nested();
}

}  // namespace rival
