using System.Diagnostics;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Gpu;
using Mcn.Web.Trainer.Planning;
using Mcn.Web.Trainer.Tests.Gpu;
using Mcn.Web.Trainer.Tests.Training;

namespace Mcn.Web.Trainer.Tests.Planning;

/// <summary>The parts of a probe; a whole one on the CPU is in PlanVerbTests. The driver is a stand-in, the process that is watched is a real one.</summary>
[Collection(NvmlCollection.Name)]
public sealed class MemoryProbeTests : IDisposable
{
    const long MiB = 1 << 20;

    const string TemporaryFolder = "TMPDIR";

    readonly TempFolder folder = new();
    readonly string? temporary = Environment.GetEnvironmentVariable(TemporaryFolder);

    // Whatever a probe leaves lies there; this collection runs alone.
    public MemoryProbeTests() => Environment.SetEnvironmentVariable(TemporaryFolder, folder.Path);

    [Theory]
    [InlineData("", 9000, PeakSource.Board)]
    [InlineData("while {0} gpu 0 process 77 8800", 8800, PeakSource.Process)] // what a driver says inside a container
    public void A_process_is_watched_to_its_end_and_its_most_on_the_fullest_board_is_told(string processes, long expected, PeakSource source)
    {
        var (small, large) = (folder.File("small"), folder.File("large"));
        FakeNvml.Scenario(folder, $"""
            gpus 2
            gpu * memory_used 500
            while {small} gpu * memory_used 5500
            while {large} gpu 0 memory_used 9500
            while {large} gpu 1 memory_used 7000
            {string.Format(System.Globalization.CultureInfo.InvariantCulture, processes, large)}
            """);
        using var watch = new BoardWatch(["cuda:1", "cuda:0"], FakeNvml.Library, null);
        var before = watch.Read();
        // A link to /proc/PID is there as long as the process. It takes more when it is told that what it has was seen, and ends then.
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", $"ln -s /proc/$$ {small}; read a; ln -s /proc/$$ {large}; read b"]) { RedirectStandardInput = true })!;
        var told = 0;

        var peak = MemoryProbe.Watch(process, before, () =>
        {
            var boards = watch.Read();
            if (boards[1].UsedBytes == (told == 0 ? 5500 : 9500) * MiB && told++ < 2) process.StandardInput.WriteLine("seen");
            return boards;
        });

        Assert.Equal(new ProbePeak(expected * MiB, "cuda:0", source), peak.Fullest(process.Id, watch.Read()));
        Assert.True(peak.IsAsBefore(watch.Read()));
    }

    [Fact]
    public void The_runs_of_a_step_on_four_cards_have_a_quarter_and_half_of_a_group_and_as_many_clips()
    {
        var config = MemoryPlanTests.Published() with { Devices = ["cuda:0", "cuda:1", "cuda:2", "cuda:3"] };
        long Activations(RunConfig of) => MemoryPlan.Of(of).Needs[0].Parts.Single(part => part.Key == "activations").Value;
        foreach (var microBatch in new[] { 0, 1024, 4096 }) // a card holds its only group, whatever this says
        {
            foreach (var divisor in new[] { 4, 2 })
            {
                var (part, set) = MemoryProbe.Part(config with { Optimizer = config.Optimizer with { MicroBatch = microBatch } }, divisor);
                Assert.Equal([$"batchnorm_group={1024 / divisor}", $"micro_batch={1024 / divisor}"], set);
                Assert.Equal((config.ClipsPerStep, 1024 / divisor), (part.ClipsPerStep, (int)DeviceShare.Of(part).GroupSize));
                Assert.Equal(Activations(config) / divisor, Activations(part));
            }
        }
    }

    [Fact]
    public void A_batch_that_cannot_be_halved_twice_is_refused()
    {
        var config = MemoryPlanTests.Published();
        Assert.Contains("batch_size 3", Assert.Throws<UserError>(() => MemoryProbe.Part(config with { Data = config.Data with { BatchSize = 3 } }, 4)).Message, StringComparison.Ordinal);
        var groups = config with { Data = config.Data with { BatchSize = 4, NPair = 9 }, Model = config.Model with { BatchnormGroup = 6 } };
        Assert.Contains("BatchNorm groups of 6", Assert.Throws<UserError>(() => MemoryProbe.Part(groups, 4)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_failed_or_ran_short_is_no_measurement()
    {
        const string end = "{\"event\":\"interrupted\",\"peak_memory_bytes\":123456}";
        Assert.Equal(123456, MemoryProbe.Resident(ExitCodes.Done, ["{\"event\":\"started\"}", end, ""], ["batch_size=4"]));
        var failed = Assert.Throws<UserError>(() => MemoryProbe.Resident(ExitCodes.Refused, [], ["batch_size=4", "micro_batch=0"]));
        Assert.Equal(("--probe: the run with batch_size=4 micro_batch=0 ended with exit code 3; expected 3 steps. Its messages stand above; mend that first", ExitCodes.Refused), (failed.Message, failed.ExitCode));
        Assert.Contains("ran short", Assert.Throws<UserError>(() => MemoryProbe.Resident(ExitCodes.Done,
            ["{\"event\":\"alert\",\"code\":\"micro_batch_halved\",\"text\":\"memory ran short\"}", end], [])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_of_train_is_measured_by_the_boards_and_leaves_nothing()
    {
        using var run = new SmallRun();
        RunConfigFile.Write(folder.File("run.json"), run.Config);
        // Made-up boards beside a real run (on the CPU): before it, once while it goes, and as before from then on.
        var readings = new Queue<long[]>([[500, 700], [4500, 6700]]);
        IReadOnlyList<BoardReading> Boards()
        {
            var used = readings.TryDequeue(out var next) ? next : [500, 700];
            return [.. used.Select((mebibytes, index) => new BoardReading($"cuda:{index}", mebibytes * MiB, new Dictionary<int, long?>()))];
        }

        Assert.Equal(new ProbePeak(6000 * MiB, "cuda:1", PeakSource.Board), MemoryProbe.Measure(folder.File("run.json"), ["batch_size=2"], Boards));
        Assert.Empty(readings);
        Assert.Empty(Left());
    }

    [Fact]
    public void A_board_that_is_lost_meanwhile_ends_the_run_and_the_probe()
    {
        using var run = new SmallRun();
        RunConfigFile.Write(folder.File("run.json"), run.Config);
        var read = 0; // the fourth comes about 0.1 s after the start, when libtorch is not even loaded
        IReadOnlyList<BoardReading> Boards() => read++ < 3 ? [new BoardReading("cuda:0", 500 * MiB, new Dictionary<int, long?>())] : throw new UserError("cuda:0", "the board does not tell its memory", "", "");

        Assert.StartsWith("cuda:0: the board", Assert.Throws<UserError>(() => MemoryProbe.Measure(folder.File("run.json"), [], Boards)).Message, StringComparison.Ordinal);
        Assert.Empty(Left());
    }

    string[] Left() => Directory.GetDirectories(folder.Path, "mcn-probe-*");

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(TemporaryFolder, temporary);
        folder.Dispose();
    }
}
