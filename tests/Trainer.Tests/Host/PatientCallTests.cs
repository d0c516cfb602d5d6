using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Tests.Host;

public sealed class PatientCallTests
{
    static readonly TimeSpan Short = TimeSpan.FromMilliseconds(20), Long = TimeSpan.FromSeconds(30);

    [Fact]
    public void What_hangs_is_not_waited_for_and_not_begun_twice()
    {
        using var release = new ManualResetEventSlim();
        var begun = 0;
        var call = new PatientCall<int>("hangs", () => { Interlocked.Increment(ref begun); release.Wait(); return 7; }, Short);

        Assert.False(call.TryGet(out _));
        Assert.False(call.TryGet(out _));
        Assert.False(call.Idle);
        release.Set();
        var answer = 0;
        Assert.True(SpinWait.SpinUntil(() => call.TryGet(out answer), Long));

        Assert.Equal((7, 1), (answer, begun));
    }

    [Fact]
    public void A_failure_comes_to_the_caller_and_the_next_call_is_a_new_one()
    {
        var calls = 0;
        var call = new PatientCall<int>("fails", () => ++calls == 1 ? throw new IOException("gone") : calls, Long);

        Assert.Contains("gone", Assert.Throws<InvalidOperationException>(() => call.TryGet(out _)).Message, StringComparison.Ordinal);
        Assert.True(call.TryGet(out var answer));
        Assert.Equal(2, answer);
    }
}
