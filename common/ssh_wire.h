#pragma once
// Numbers and strings as SSH writes them (RFC 4251, section 5), for its keys and its agent.

#include <cstdint>
#include <string>
#include <string_view>

namespace ft {

std::string sshNumber(std::uint32_t number);
std::string sshString(std::string_view text);

// Takes one after the other off the front. What is not there reads as 0 or "", and failed() says so from then on.
class SshReader {
 public:
  explicit SshReader(std::string_view bytes) : rest_(bytes) {}
  std::uint32_t number();
  std::string_view string();
  bool failed() const { return failed_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace ft
