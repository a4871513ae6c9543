// SPDX-License-Identifier: BSD-2-Clause
// Names that a linker knows only mangled.
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace bank {
struct account {
	int balance;
	std::mutex lock;
};

account accounts[4];
static std::mutex hidden;

template <class T> T sum(const std::vector<T> &items)
{
	T all{};

	for (const auto &item : items)
		all += item;
	return all;
}

class teller {
	std::map<std::string, int> orders;

    public:
	void add(const std::string &name, int value)
	{
		std::lock_guard<std::mutex> guard(accounts[value & 3].lock);
		orders[name] += value;
		accounts[value & 3].balance += value;
	}
	int total() const
	{
		std::vector<int> values;
		std::lock_guard<std::mutex> guard(hidden);

		for (const auto &order : orders)
			values.push_back(order.second);
		return sum(values);
	}
};
}

static void work(bank::teller *teller)
{
	for (int i = 0; i < 10; i++)
		teller->add(std::to_string(i), i);
}

int main()
{
	bank::teller teller;
	std::thread thread(work, &teller);

	thread.join();
	return teller.total() & 1;
}
