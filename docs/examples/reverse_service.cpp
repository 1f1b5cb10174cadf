// A service of one's own: every line comes back reversed. Its row in services.cpp: ServiceRow{"reverse", makeReverse}.

#include <algorithm>
#include <string>

#include "server/services/threading_service.h"
#include "server/services/services.h"

namespace ft {

void reverseLines(Poco::Net::StreamSocket& socket, const std::atomic<bool>& stopping) {
  std::string line;
  char byte = 0;
  while (!stopping && line.size() < 4096 && socket.receiveBytes(&byte, 1) == 1) {
    if (byte != '\n') {
      line += byte;
      continue;
    }
    std::reverse(line.begin(), line.end());
    line += '\n';
    socket.sendBytes(line.data(), static_cast<int>(line.size()));
    line.clear();
  }
}

std::unique_ptr<Service> makeReverse(const ServiceContext& context) {
  ThreadingService::Options options{"reverse", "reverse.listen", /*connections=*/16};
  return std::make_unique<ThreadingService>("127.0.0.1:0", reverseLines, options, context.log);
}

}  // namespace ft
