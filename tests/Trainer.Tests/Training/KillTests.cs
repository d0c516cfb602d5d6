using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>SIGKILL at any moment, of any process: the run ends with the bits of one that was left alone.</summary>
public sealed class KillTests
{
    static bool Full => Environment.GetEnvironmentVariable("MCN_FULL") == "1";

    [Fact]
    public async Task Workers_killed_at_random_points_change_nothing()
    {
        var kills = Full ? 200 : 10;
        // A process costs two seconds before its first step: ten of them are the test, more steps prove nothing more.
        var epochs = 24;
        using var whole = new SmallRun().Longer(epochs, everySteps: 7);
        whole.Train();
        var (killed, samples) = (0, new SortedDictionary<long, string>());
        for (var round = 0; killed < kills; round++)
        {
            using var cut = new SmallRun().Longer(epochs, everySteps: 7);
            using var memory = SnapshotFile.Create()!;
            var random = new CounterRandom(20260101, RandomPurpose.KMeans, round, 0);
            // Between two kills some steps must fit, or nothing would be proven.
            var steps = random.Permutation(epochs * 4 - 2).Take(10).Select(step => step + 1L).Order().ToArray();
            foreach (var step in steps)
            {
                using var worker = SmallWorker.Start(cut, memory);
                await worker.Step(step);
                Assert.Equal(9, (await worker.Kill()).Signal);
                foreach (var (at, videos) in cut.Samples()) samples[at] = videos;
                killed++;
            }

            await SmallWorker.Finish(cut, memory);
            foreach (var (at, videos) in cut.Samples()) samples[at] = videos;
            AssertSame(whole, cut);
            Assert.Equal(whole.Samples(), samples);
            Assert.Contains(cut.Journal().OfType<ResumeProven>(), resume => resume.Source == "memory");
        }
    }

    [Theory]
    [InlineData(false, "folder", "half model.safetensors", "model.safetensors", "half optimizer.safetensors", "clusters.safetensors", "manifest", "renamed", "pruned")]
    [InlineData(true, "copying", "copied", "sealed")]
    public async Task A_worker_killed_in_the_middle_of_saving_leaves_nothing_half_written_under_a_final_name(bool withMemory, params string[] places)
    {
        using var whole = new SmallRun().Longer(epochs: 20, everySteps: 3);
        whole.Train();
        using var cut = new SmallRun().Longer(epochs: 20, everySteps: 3);
        using var memory = withMemory ? SnapshotFile.Create() : null;
        foreach (var place in places)
        {
            using var worker = SmallWorker.Start(cut, memory, ("MCN_DRILL_DIE_AT", $"{place}:2"));
            Assert.Equal((place, 9), (place, (await worker.Ended()).Signal));
            foreach (var path in CheckpointFolder.Paths(cut.Folder.Checkpoints)) Assert.Equal("", CheckpointFolder.Verify(path).Fault);
        }

        await SmallWorker.Finish(cut, memory);
        AssertSame(whole, cut);
        Assert.Empty(Directory.GetDirectories(cut.Folder.Checkpoints, ".*"));
        Assert.Empty(Directory.GetDirectories(cut.Folder.Checkpoints, "damaged-*"));
    }

    [Fact]
    public async Task A_held_worker_that_is_killed_has_lost_nothing()
    {
        using var whole = new SmallRun().Longer(epochs: 20, everySteps: 0);
        whole.Train();
        using var cut = new SmallRun().Longer(epochs: 20, everySteps: 0);
        using (var worker = SmallWorker.Start(cut))
        {
            await worker.Step(5);
            worker.Send(CommandVerb.Hold, "h");
            await worker.Phase(RecorderPhase.Held);
            await Wait.For(() => CheckpointFolder.List(cut.Folder.Checkpoints).Count > 0, "the checkpoint of the hold");
            await worker.Kill();
        }

        var held = cut.Journal().OfType<RunStateChanged>().Last(state => state.State == RunState.Held).Step;
        await SmallWorker.Finish(cut);
        Assert.Equal(held, cut.Journal().OfType<RunStarted>().Last().FromStep);
        AssertSame(whole, cut);
    }

    [Fact]
    public async Task A_daemon_killed_alone_and_together_with_its_worker_goes_on_as_if_nothing_had_been()
    {
        using var whole = new SmallRun().Longer(epochs: 60, everySteps: 7);
        whole.Train();
        using var cut = new SmallRun().Longer(epochs: 60, everySteps: 7);
        var folder = cut.Create();
        var trainer = new TrainerFolder(cut.DataFolder);
        Directory.CreateDirectory(trainer.Path);
        File.WriteAllText(trainer.Desired, $$"""{"format_version":1,"run_id":"{{folder.RunId}}","target":"Running"}""");

        using (var daemon = Serve(cut.DataFolder))
        {
            await Wait.For(() => Steps(folder, incarnation: 1) >= 20, "step 20");
            daemon.Signal(NativeSpawn.SigKill); // the worker sees its stdin close, saves and leaves
            await Wait.For(() => RecorderReader.Read(folder.Recorder)!.CleanEnd && !RunLock.IsHeld(folder.Lock), "the worker's clean end");
        }

        using (var daemon = Serve(cut.DataFolder))
        {
            await Wait.For(() => Steps(folder, incarnation: 2) >= 70, "step 70");
            var worker = RecorderReader.Read(folder.Recorder)!.ProcessId;
            daemon.Signal(NativeSpawn.SigKill);
            NativeSpawn.Signal(worker, NativeSpawn.SigKill);
            await Wait.For(() => !RunLock.IsHeld(folder.Lock), "the worker's end");
        }

        using (var daemon = Serve(cut.DataFolder))
        {
            await Wait.For(() => RunCatalog.Read(folder).Finished, "the end of the run");
            daemon.Signal(NativeSpawn.SigTerm);
            Assert.Equal(0, (await daemon.Ended.WaitAsync(SmallWorker.Patience)).ExitCode);
        }

        AssertSame(whole, cut);
    }

    static void AssertSame(SmallRun whole, SmallRun cut)
    {
        SmallRun.AssertSameTensors(whole.NewestTensors(), cut.NewestTensors());
        Assert.Equal(whole.Losses().Keys, cut.Losses().Keys); // every step has told its loss, whatever died when
        Assert.Equal(whole.Losses(), cut.Losses());
        Assert.Equal(Table(whole), Table(cut));
        Assert.All(cut.Journal().OfType<ResumeProven>(), resume => Assert.True(resume.Exact, resume.Text));
    }

    static string Table(SmallRun run) => string.Join('\n', run.Journal().OfType<EvaluationFinished>().Last().Rows.Select(row => $"{row.Direction} {row.R1:R} {row.R5:R} {row.R10:R} {row.Medr:R} {row.Meanr:R}"));

    static long Steps(RunFolder folder, int incarnation) =>
        RecorderReader.Read(folder.Recorder) is { } recorder && recorder.Incarnation >= incarnation && recorder.Lanes[0].Last is { Phase: not RecorderPhase.Setup } last ? last.Step : 0;

    static WorkerProcess Serve(string data) =>
        WorkerProcess.Start(["dotnet", Path.Combine(AppContext.BaseDirectory, "Mcn.Web.Trainer.dll"), "serve", "--data", data], WorkerEnvironment.Create(), (_, _) => { });
}
