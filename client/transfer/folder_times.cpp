#include "client/transfer/folder_times.h"

#include <string_view>

#include "client/connection/reply.h"
#include "client/failures.h"

namespace ft {
namespace {

std::string_view folderOf(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

}  // namespace

void FolderTimes::sendNext(Connection& connection) {
  next_ += Client(connection).requestMkdir(base_, std::span(folders_).subspan(next_));
  ++flight_;
}

void FolderTimes::settle(const Header& reply) {
  if (flight_ == 0) throw ProtocolError("a reply came that nothing was asked for");
  --flight_;
  try {
    requireAnswer(reply, "mkdir", base_);
  } catch (const ServerFailure& failure) {
    if (mayPass(failure)) throw;
  }
}

void FolderTimes::sendAll(Connection& connection) {
  while (!sent()) sendNext(connection);
}

void FolderTimes::awaitAll(Connection& connection) {
  while (awaits()) settle(connection.readHeader());
}

FolderTimeShares::FolderTimeShares(FolderTimes all) : all_(std::move(all)), taken_(all_.folders().size()) {
  numbers_.reserve(taken_.size());
  for (std::size_t i = 0; i < taken_.size(); ++i) numbers_.emplace(wholeName(all_.folders()[i]), i);
}

std::string FolderTimeShares::wholeName(const NewFolder& folder) const {
  const std::string& base = all_.base().text();
  if (folder.name.empty()) return base;
  return base.empty() ? folder.name : base + "/" + folder.name;
}

FolderTimeShares::Marks FolderTimeShares::marksOf(Queues queues) const {
  Marks marks(taken_.size());
  std::string_view last;
  for (const std::deque<PutJob>* const queue : queues) {
    for (const PutJob& job : *queue) {
      std::string_view folder = folderOf(job.remote.text());
      // Neighbours are mostly in one folder.
      if (folder == last) continue;
      last = folder;
      for (; !folder.empty(); folder = folderOf(folder)) {
        const auto found = numbers_.find(std::string(folder));
        if (found == numbers_.end()) continue;
        if (marks[found->second]) break;
        marks[found->second] = true;
      }
    }
  }
  return marks;
}

FolderTimes FolderTimeShares::marked(const Marks& marks) const {
  std::vector<NewFolder> folders;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    if (marks[i]) folders.push_back(all_.folders()[i]);
  }
  return {all_.base(), std::move(folders)};
}

FolderTimes FolderTimeShares::take(const Marks& marks) {
  for (std::size_t i = 0; i < marks.size(); ++i) taken_[i] = taken_[i] || marks[i];
  return marked(marks);
}

FolderTimes FolderTimeShares::of(Queues queues) { return take(marksOf(queues)); }

FolderTimes FolderTimeShares::withOthers(Queues queues) {
  Marks marks = marksOf(queues);
  for (std::size_t i = 0; i < marks.size(); ++i) marks[i] = marks[i] || !taken_[i];
  return take(marks);
}

FolderTimes FolderTimeShares::notDone(std::span<const FolderTimes* const> shares) const {
  Marks marks(taken_.size());
  for (const FolderTimes* const share : shares) {
    if (share->done()) continue;
    for (const NewFolder& folder : share->folders()) marks[numbers_.at(wholeName(folder))] = true;
  }
  return marked(marks);
}

}  // namespace ft
