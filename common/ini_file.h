#pragma once
// A small INI reader that remembers lines, for both ends' configuration: [section], key = value, # or ; at the start of
// a line is a comment.
// A value reaches to the end of the line, white space around it removed; it may be quoted with "". Section and key are
// a-z 0-9 _ - . and the key of an entry before any section has section "". A section may be two such names with one
// blank between them, the second also '*'.

#include <string>
#include <string_view>
#include <vector>

namespace ft {

struct IniEntry {
  std::string section;
  std::string key;
  std::string value;
  int line = 0;
};

// Without the blanks, tabs and carriage returns at its ends, as INI reads a line and its parts.
std::string_view trimmed(std::string_view text);

// What a reader makes of the line that begins a section.
enum class IniSections {
  Skip,
  Keep,  // an entry with an empty key, which no line can have
};

// Throws ConfigError for the first line that is not INI; what() begins with "FILE:LINE: ". `source` names the file.
std::vector<IniEntry> parseIni(std::string_view text, const std::string& source,
                               IniSections sections = IniSections::Skip);
// Reads the file (at most 1 MiB) and parses it. Throws ConfigError also when it cannot be read.
std::vector<IniEntry> readIniFile(const std::string& path, IniSections sections = IniSections::Skip);

}  // namespace ft
