# Rows of each table in the SQL that pg_restore prints, as lines `rows, schema, table` of PostgreSQL's COPY text format.
# A name may hold anything: quotation marks, line ends, tabs, even the text of a statement.

function name_at(text, start,    i, char, name) { # one identifier; sets next_at
  name = ""
  if (substr(text, start, 1) != "\"") {
    match(substr(text, start), /^[^.\" (]*/)
    next_at = start + RLENGTH
    return substr(text, start, RLENGTH)
  }
  for (i = start + 1; i <= length(text); i++) {
    char = substr(text, i, 1)
    if (char == "\"") {
      if (substr(text, i + 1, 1) != "\"") break
      i++
    }
    name = name char
  }
  next_at = i + 1
  return name
}

function escaped(name,    i, char, text) {
  text = ""
  for (i = 1; i <= length(name); i++) {
    char = substr(name, i, 1)
    if (char == "\\") char = "\\\\"
    else if (char == "\n") char = "\\n"
    else if (char == "\r") char = "\\r"
    else if (char == "\t") char = "\\t"
    text = text char
  }
  return text
}

copying && $0 == "\\." { print rows "\t" schema "\t" table; copying = 0; next }
copying { rows++; next }

# A statement goes on to the next line while a quotation is open.
open { statement = statement "\n" $0 }
!open && /^COPY / { statement = $0; open = 1 }
open {
  quotes = statement
  if (gsub(/"/, "", quotes) % 2 == 0) {
    open = 0
    if (statement ~ / FROM stdin;$/) {
      schema = escaped(name_at(statement, 6))
      table = escaped(name_at(statement, next_at + 1))
      copying = 1
      rows = 0
    }
  }
}
