using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Host;
using Microsoft.Extensions.Time.Testing;

namespace Mcn.Web.Trainer.Tests.Host;

public sealed class InotifyWatchTests : IDisposable
{
    const int Folders = 60;

    readonly TempFolder folder = new();

    // Its clock stands still while it looks, so that a pass is complete in one call.
    readonly FakeTimeProvider time = new();

    [Fact]
    public void Watches_that_a_program_adds_are_counted_at_the_next_look_and_not_before()
    {
        Assert.SkipUnless(Directory.Exists("/proc/sys/fs/inotify"), "this kernel has no inotify");
        for (var i = 0; i < Folders; i++) Directory.CreateDirectory(folder.File($"folder-{i}"));
        var inotify = new InotifyWatch(time);
        var before = inotify.Read();

        using var watcher = new FileSystemWatcher(folder.Path) { IncludeSubdirectories = true, EnableRaisingEvents = true };
        Assert.Equal(before, inotify.Read());
        InotifyUse after = default;
        // Other programs of this user come and go, and .NET adds the watches of subfolders in the background.
        var seen = SpinWait.SpinUntil(() => Look(inotify, out after) >= before.Watches + Folders / 2, TimeSpan.FromSeconds(30));
        Assert.True(seen, $"before: {before}; after: {after}");

        Assert.InRange(after.Instances!.Value, 1, after.InstanceLimit!.Value);
        Assert.InRange(after.Watches!.Value, 1, after.WatchLimit!.Value);
    }

    [Fact]
    public void A_look_that_runs_out_of_its_budget_goes_on_at_the_next_call()
    {
        Assert.SkipUnless(Directory.Exists("/proc/sys/fs/inotify"), "this kernel has no inotify");
        // Each look at this clock costs 10 ms of a budget of 25: two slices a call.
        var inotify = new InotifyWatch(new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromMilliseconds(10) });
        var calls = 0;
        var use = inotify.Read();
        Assert.Null(use.Watches);

        for (; use.Watches is null && calls < 100_000; calls++) use = inotify.Read();

        Assert.NotNull(use.Watches);
        Assert.True(calls > 1);
    }

    public void Dispose() => folder.Dispose();

    long? Look(InotifyWatch inotify, out InotifyUse use)
    {
        time.Advance(TimeSpan.FromSeconds(16));
        use = inotify.Read();
        return use.Watches;
    }
}
