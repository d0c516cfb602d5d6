using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Snapshots in memory that outlives the worker: what the next one finds there.</summary>
public sealed class SnapshotMemoryTests
{
    const int Header = 4096;

    [Fact]
    public async Task Of_two_snapshots_the_one_that_is_damaged_is_not_used()
    {
        using var run = new SmallRun().Longer(epochs: 100, everySteps: 0);
        using var memory = SnapshotFile.Create()!;
        // Killed until no copy was under way: a torn one is what other tests have.
        var (half, first, second) = (0L, 0L, 0L);
        for (var steps = 40; steps < 300 && (first <= 0 || second <= 0); steps += 20)
        {
            using var worker = SmallWorker.Start(run, memory);
            await worker.Step(steps);
            await worker.Kill();
            half = memory.Bytes / 2; // two slots of the same size
            (first, second) = (Number(memory, 0), Number(memory, half));
        }

        Assert.True(first > 0 && second > 0, $"two whole snapshots: {first}, {second}");
        var newer = first > second ? 0 : half;
        Assert.True(first > 0 && second > 0, $"two whole snapshots, or a torn one: {first}, {second}");
        var older = StepOf(memory, newer == 0 ? half : 0);
        Flip(memory, newer + Header + 100); // one bit in the data of the newer one
        using (var worker = SmallWorker.Start(run, memory))
        {
            await worker.Step(older + 1);
            await worker.Kill();
        }

        Assert.Equal(older, run.Journal().OfType<RunStarted>().Last().FromStep);

        // Both damaged, and nothing on disk: from the beginning, not from something wrong.
        Flip(memory, Header + 101); // not the same place again: that would mend it
        Flip(memory, half + Header + 101);
        using (var worker = SmallWorker.Start(run, memory))
        {
            await worker.Step(1);
            await worker.Kill();
        }

        Assert.Equal(0, run.Journal().OfType<RunStarted>().Last().FromStep);
    }

    [Fact]
    public async Task Memory_that_cannot_be_spared_is_told_and_checkpoints_go_to_the_disk_all_the_same()
    {
        using var run = new SmallRun();
        using var memory = SnapshotFile.Create()!;
        using (var worker = SmallWorker.Start(run, memory, ("MCN_SNAPSHOT_BYTES", "1000")))
            Assert.Equal(0, (await worker.Ended()).ExitCode);
        Assert.Contains("1,000 can be spared", run.Journal().OfType<Alert>().Single(alert => alert.Code == "snapshots_off").Text, StringComparison.Ordinal);
        Assert.Equal(0, memory.Bytes);
        Assert.Equal([4, 8, 12], run.Journal().OfType<CheckpointWritten>().Select(checkpoint => checkpoint.Step));
    }

    [Fact]
    public async Task The_page_can_say_how_much_would_be_lost()
    {
        using var run = new SmallRun().Longer(epochs: 20, everySteps: 0);
        using var memory = SnapshotFile.Create()!;
        await SmallWorker.Finish(run, memory);
        var values = run.Journal().OfType<StepMetrics>().Last().Values;
        Assert.InRange(values[MetricCatalog.CheckpointAtRiskMachine], 119, 121); // checkpoint.max_loss_seconds
        Assert.InRange(values[MetricCatalog.CheckpointAtRisk], 0.01, 60); // of snapshots every 10 ms
        Assert.True(values[MetricCatalog.CheckpointStall] > 0);
    }

    static long Number(SnapshotFile memory, long slot) => BitConverter.ToInt64(Read(memory, slot + 8, 8));

    /// <summary>From the table behind the data: the counters of the snapshot.</summary>
    static long StepOf(SnapshotFile memory, long slot)
    {
        var data = BitConverter.ToInt64(Read(memory, slot + 16, 8));
        var table = Read(memory, slot + Header + data, (int)BitConverter.ToInt64(Read(memory, slot + 24, 8)));
        return System.Text.Json.JsonDocument.Parse(table).RootElement.GetProperty("manifest").GetProperty("step").GetInt64();
    }

    static void Flip(SnapshotFile memory, long at)
    {
        var one = Read(memory, at, 1);
        one[0] ^= 1;
        RandomAccess.Write(memory.Handle, one, at);
    }

    static byte[] Read(SnapshotFile memory, long at, int length)
    {
        var bytes = new byte[length];
        RandomAccess.Read(memory.Handle, bytes, at);
        return bytes;
    }
}
