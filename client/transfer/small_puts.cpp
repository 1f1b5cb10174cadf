#include "client/transfer/small_puts.h"

#include <utility>

#include "client/connection/client.h"
#include "client/connection/reply.h"
#include "client/failures.h"

namespace ft {
namespace {

// Output that waits to be sent is filled up to this, so that the kernel always has a large piece. The first one is
// short, so that the line is busy while the next one is read. Bytes.
constexpr std::size_t kFirstGoal = 32 * 1024;
constexpr std::size_t kOutputGoal = 256 * 1024;
// Files without an answer: enough to keep a long line busy, few enough to be remembered. Files.
constexpr std::size_t kMaxFlight = 4096;

}  // namespace

void SmallPuts::run(const Work& work) {
  Connection& connection = link_.connection();
  try {
    exchange(connection, work);
  } catch (const std::exception& error) {
    // Who was not let in learns nothing from what the server says to each file. After a reply that is none, nobody
    // knows which file the next one is about.
    const bool unusable =
        dynamic_cast<const LoginError*>(&error) != nullptr || dynamic_cast<const ProtocolError*>(&error) != nullptr;
    if (!unusable) settleLastWords(connection);
    while (!flight_.empty()) {
      flight_.back().job.sentBefore = true;
      work.jobs.push_front(std::move(flight_.back().job));
      flight_.pop_back();
    }
    throw;
  }
  settleDoubtful();
}

bool SmallPuts::hasMore(const Work& work) const {
  if (!work.jobs.empty()) return flight_.size() < kMaxFlight;
  return work.grown.empty() && !work.times.sent();
}

void SmallPuts::sendMore(Connection& connection, const Work& work, std::size_t goal) {
  while (hasMore(work) && connection.unsent() < goal) {
    if (work.jobs.empty()) {
      work.times.sendNext(connection);
    } else {
      sendNext(connection, work.jobs, work.grown);
    }
  }
}

void SmallPuts::exchange(Connection& connection, const Work& work) {
  connection.restartDeadline();
  std::size_t goal = kFirstGoal;
  while (!work.jobs.empty() || !flight_.empty() || work.times.awaits() || hasMore(work)) {
    sendMore(connection, work, goal);
    goal = kOutputGoal;
    connection.stop().check();
    connection.sendSome();
    bool settled = false;
    while (const auto reply = connection.takeHeader()) {
      settle(*reply, work.times);
      connection.restartDeadline();
      settled = true;
    }
    const bool awaits = !flight_.empty() || work.times.awaits();
    const bool writing = connection.unsent() > 0;
    if (!settled && awaits && (writing || !hasMore(work))) connection.wait(writing);
  }
}

void SmallPuts::sendNext(Connection& connection, std::deque<PutJob>& jobs, std::deque<PutJob>& grown) {
  PutJob job = std::move(jobs.front());
  jobs.pop_front();
  try {
    const SourceFile source = openSource(job);
    if (source.size() > kSmallFile) {
      grown.push_back(std::move(job));
      return;
    }
    sendFile(connection, job, source);
  } catch (const Failure& failure) {
    if (options_.beginAgain && failure.code() == ErrorCode::Changed && job.tries++ < kChangedTries) {
      jobs.push_front(std::move(job));
      return;
    }
    observer_.ended(failedOutcome(job, failure));
  }
}

void SmallPuts::sendFile(Connection& connection, PutJob& job, const SourceFile& source) {
  source.readAll(content_);
  DigestValue digest = digestOf(job.digest, std::as_bytes(std::span(content_)));
  Header header = putHeader(job, source, options_);
  header.setDigest(digest);
  connection.queue(header);
  connection.output().append(content_.data(), content_.size());
  job.advance.reach(content_.size(), observer_);
  flight_.push_back({std::move(job), content_.size(), std::move(digest)});
}

void SmallPuts::settle(const Header& reply) {
  if (flight_.empty()) {
    if (reply.ok == false) throw failureFromReply(reply);
    throw ProtocolError("a reply came that nothing was asked for");
  }
  Sent& sent = flight_.front();
  try {
    requireAnswer(reply, "put", sent.job.remote);
    std::optional<SourceFile> source;
    if (!reply.digests.empty() && reply.findDigest(sent.digest.algorithm) == nullptr) {
      source = SourceFile::open(sent.job.path, sent.job.links);
    }
    checkStored(reply, sent.size, sent.digest, source ? &*source : nullptr);
    observer_.ended(storedOutcome(sent.job, sent.size, std::move(sent.digest)));
    link_.progressed();
  } catch (const Failure& failure) {
    if (mayPass(failure)) throw;
    if (failure.code() == ErrorCode::Exists && sent.job.sentBefore) {
      doubtful_.push_back(std::move(sent));
    } else {
      observer_.ended(failedOutcome(sent.job, failure));
    }
  }
  flight_.pop_front();
}

void SmallPuts::settle(const Header& reply, FolderTimes& times) {
  if (flight_.empty() && times.awaits()) {
    times.settle(reply);
  } else {
    settle(reply);
  }
}

void SmallPuts::settleLastWords(Connection& connection) {
  try {
    while (!flight_.empty()) {
      const auto reply = connection.lastWords();
      // A log-in that was refused is told by the next connection, which meets the same.
      if (!reply || reply->cmd == "login") return;
      settle(*reply);
    }
  } catch (const std::exception&) {
    // Those that are left have no answer and are sent again.
    return;
  }
}

void SmallPuts::settleDoubtful() {
  while (!doubtful_.empty()) {
    Sent& sent = doubtful_.back();
    const bool ours = isThere(link_.client(), sent.job, sent.digest);
    if (ours) {
      observer_.ended(storedOutcome(sent.job, sent.size, sent.digest));
    } else {
      observer_.ended(failedOutcome(sent.job, Failure(ErrorCode::Exists, "exists already")));
    }
    doubtful_.pop_back();
  }
}

}  // namespace ft
