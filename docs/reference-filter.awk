# What Doxygen reads instead of a header: the prose that opens it is the documentation of the file,
# what is indented there is code, and the inline namespace, named after the flags of whoever
# compiles, is not seen. Lines keep their numbers: for each one that is added, a blank one goes.
function add(line) {
  print line
  added++
}
FNR == 1 {
  in_prose = 1
  add("/// \\file")
}
in_prose && !/^\/\// {
  if (in_code) add("/// \\endcode")
  in_prose = 0
}
in_prose {
  text = substr($0, 3)
  is_blank = text ~ /^ *$/
  if (is_blank && in_code) {
    add("/// \\endcode")
    in_code = 0
  }
  if (!is_blank && was_blank && text ~ /^   /) {
    add("/// \\code{.cpp}")
    in_code = 1
  }
  was_blank = is_blank
  print "///" text
  next
}
/^$/ && added > 0 {
  added--
  next
}

# Doxygen 1.9.4 is silent about enumerators and concepts without a comment. A reference to nothing
# makes it speak.
/^enum / { in_enum = 1 }
/^}/ { in_enum = 0 }
in_enum && /^  [a-z]/ && !/\/\/\/</ && !is_commented { $0 = $0 "  ///< \\ref no_comment" }
/^concept / && !is_commented { print "/// \\ref no_comment" }
/^ *\/\/\// { is_commented = 1 }
!/^ *(\/\/\/|template)/ { is_commented = 0 }

{
  gsub(/::inline REVLORA_NAMESPACE/, "")
  print
}
