/* As names.hpp, for functions outside of a namespace. */
/** Has a text. */
int with_text(void);
int missing_of_c(void);
