using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class GradientExchangeTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task What_one_wrote_before_a_meeting_the_others_read_after_it()
    {
        var exchange = new GradientExchange([CPU, CPU, CPU]);
        var written = new int[3];
        var seen = await Task.WhenAll(Enumerable.Range(0, 3).Select(rank => OnThread(() =>
        {
            var sum = 0;
            for (var round = 1; round <= 200; round++)
            {
                written[rank] = round;
                exchange.Meet(rank, "numbers");
                sum += written.Sum() == 3 * round ? 1 : 0;
                exchange.Meet(rank, "the next round");
            }

            return sum;
        })));

        Assert.Equal([200, 200, 200], seen);
    }

    [Fact]
    public async Task A_failure_reaches_those_who_wait_and_those_who_come_later()
    {
        var exchange = new GradientExchange([CPU, CPU, CPU]);
        var waiting = OnThread(() => Assert.Throws<RankFailedException>(() => exchange.Meet(0, "gradients")).Message);
        exchange.Fail(1, new InvalidOperationException("out of memory"));
        exchange.Fail(2, new InvalidOperationException("a consequence"));

        Assert.Equal("rank 1 (cpu) failed: out of memory", await waiting);
        Assert.Equal("rank 1 (cpu) failed: out of memory", Assert.Throws<RankFailedException>(() => exchange.Meet(2, "weights")).Message);
    }

    [Fact]
    public async Task Those_who_do_not_come_are_named_and_find_the_door_closed()
    {
        var exchange = new GradientExchange([CPU, CPU, CPU, CPU], Patience);
        var waiting = new[] { 0, 2 }.Select(rank => OnThread(() => Assert.Throws<RankFailedException>(() => exchange.Meet(rank, "gradients")).Message)).ToArray();

        var messages = await Task.WhenAll(waiting).WaitAsync(5 * Patience, TestContext.Current.CancellationToken);

        Assert.All(messages, message => Assert.Equal("rank 1 (cpu), rank 3 (cpu) did not come to the exchange of gradients within 1 s", message));
        Assert.Throws<RankFailedException>(() => exchange.Meet(1, "gradients"));
    }

    [Fact]
    public void One_rank_meets_nobody()
    {
        var exchange = new GradientExchange([CPU]);
        exchange.Meet(0, "gradients");
    }

    [Fact]
    public void Shares_are_whole_parameters_and_as_even_as_these_allow()
    {
        Assert.Equal([0, 1, 1, 0], GradientExchange.Owners([5, 4, 3, 2], 2));
        Assert.Equal([0, 0, 0], GradientExchange.Owners([1, 2, 3], 1));
    }

    static Task<T> OnThread<T>(Func<T> work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
