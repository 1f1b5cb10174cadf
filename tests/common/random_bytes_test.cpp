#include "common/random_bytes.h"

#include <doctest/doctest.h>

using namespace ft;

TEST_CASE("as many random bytes come as are asked for, others each time, also more than the kernel gives at once") {
  for (const std::size_t count : {0U, 1U, 255U, 256U, 257U, 100'000U}) CHECK(randomBytes(count).size() == count);
  CHECK(randomBytes(16) != randomBytes(16));
  CHECK(randomBytes(100'000).find_first_not_of('\0', 99'000) != std::string::npos);
}
