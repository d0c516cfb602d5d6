using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class NextThreadTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void Items_are_taken_in_order_on_another_thread_and_all_of_them()
    {
        var (taken, threads) = (new List<int>(), new HashSet<int>());
        using var next = new NextThread<int>("test", 3, item =>
        {
            taken.Add(item);
            threads.Add(Environment.CurrentManagedThreadId);
        });
        for (var i = 0; i < 1000; i++) next.Give(i);
        next.Finish();
        Assert.Equal(Enumerable.Range(0, 1000), taken);
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, threads);
        Assert.Single(threads);
    }

    [Fact]
    public void The_giver_waits_when_so_many_are_waiting()
    {
        using var door = new ManualResetEventSlim();
        using var given = new CountdownEvent(3); // one in hand, two waiting
        using var next = new NextThread<int>("test", 2, _ => door.Wait(Patience));
        var giver = new Thread(() =>
        {
            for (var i = 0; i < 4; i++)
            {
                next.Give(i);
                if (!given.IsSet) given.Signal();
            }
        });
        giver.Start();
        Assert.True(given.Wait(Patience));
        Assert.True(giver.IsAlive); // the fourth does not get in
        door.Set();
        Assert.True(giver.Join(Patience));
        next.Finish();
    }

    [Fact]
    public void A_failure_reaches_the_giver_and_nothing_is_done_after_it()
    {
        var taken = new List<int>();
        using var next = new NextThread<int>("test", 1, item =>
        {
            if (item == 5) throw new InvalidDataException("five");
            taken.Add(item);
        });
        var fault = Assert.Throws<InvalidDataException>(() =>
        {
            for (var i = 0; i < 1000; i++) next.Give(i);
            next.Finish();
        });
        Assert.Equal("five", fault.Message);
        Assert.Equal(Enumerable.Range(0, 5), taken);
    }
}
