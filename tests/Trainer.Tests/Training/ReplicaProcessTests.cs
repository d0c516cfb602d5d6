using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Crashes;
using Mcn.Web.Trainer.Diagnosis;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;
using Mcn.Web.Trainer.Tests.Verbs;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Real workers of two replicas: what the supervisor, a resume and an investigator see of them.</summary>
public sealed class ReplicaProcessTests
{
    [Fact]
    public async Task Killed_and_gone_on_with_two_replicas_the_run_has_the_bits_of_one_replica_left_alone()
    {
        using var whole = OnReplicas(1, epochs: 15);
        whole.Train();
        using var cut = OnReplicas(2, epochs: 15);
        using var memory = SnapshotFile.Create()!;
        foreach (var step in new[] { 5, 23, 41 })
        {
            using var worker = SmallWorker.Start(cut, memory);
            await worker.Step(step);
            Assert.Equal(9, (await worker.Kill()).Signal);
        }

        await SmallWorker.Finish(cut, memory);

        SmallRun.AssertSameTensors(whole.NewestTensors(), cut.NewestTensors());
        Assert.Equal(whole.Losses(), cut.Losses());
        Assert.Contains(cut.Journal().OfType<ResumeProven>(), resume => resume.Source == "memory");
        Assert.All(cut.Journal().OfType<ResumeProven>(), resume => Assert.True(resume.Exact, resume.Text));
    }

    [Fact]
    public async Task A_hold_stops_every_replica_at_the_same_step_and_each_goes_on_marking()
    {
        using var run = OnReplicas(2, epochs: 100);
        using var worker = SmallWorker.Start(run);
        await worker.Step(3);
        worker.Send(CommandVerb.Hold, "h");
        await worker.PhaseOfAll(RecorderPhase.Held);

        var held = RecorderReader.Read(run.Folder.Recorder)!;
        Assert.Equal(["rank 0 (cpu)", "rank 1 (cpu)"], held.Lanes.Select(lane => lane.Name));
        Assert.Single(held.Lanes.Select(lane => lane.Last!.Step).Distinct());
        await Wait.For(() => RecorderReader.Read(run.Folder.Recorder)!.Lanes.All(lane => lane.Last!.Sequence >= held.Lanes.Single(then => then.Name == lane.Name).Last!.Sequence + 2), "two more marks of each");
        Assert.All(RecorderReader.Read(run.Folder.Recorder)!.Lanes, lane => Assert.Equal(held.Lanes[0].Last!.Step, lane.Last!.Step));
        worker.CloseInput();
        Assert.Equal(ExitCodes.SavedAndReleased, (await worker.Ended()).ExitCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_replica_that_fails_in_a_step_is_named_in_the_last_words_on_stderr_and_in_the_report(int rank)
    {
        using var run = OnReplicas(2, epochs: 3);
        using var worker = SmallWorker.Start(run, null, ("MCN_DRILL_FAIL_AT", $"rank {rank}:5"));

        var end = await worker.Ended();

        Assert.Equal(ExitCodes.ProgramError, end.ExitCode);
        var told = $"rank {rank} (cpu) failed: a drill at rank {rank}";
        Assert.Contains(told, worker.Errors, StringComparison.Ordinal);
        var recorder = RecorderReader.Read(run.Folder.Recorder)!;
        Assert.False(recorder.CleanEnd);
        Assert.Contains(told, recorder.LastWords, StringComparison.Ordinal);
        Assert.Equal((RecorderPhase.Forward, 4L), (recorder.Lanes[rank].Last!.Phase, recorder.Lanes[rank].Last!.Step));
        var summary = CrashInvestigator.Investigate(SceneOf(run, recorder, end.ExitCode), _ => new CodedText("restart", "next")).Summary;
        Assert.Equal(($"rank {rank} (cpu)", "forward", 4L, told), (summary.Rank, summary.Phase, summary.Step, summary.Message));
        Assert.Equal(told, run.Journal().OfType<Alert>().Single(alert => alert.Code == "run_failed").Text); // no trace on the page
        Assert.Equal(("failed", 4L), run.Journal().OfType<RunEnded>().Select(ended => (ended.Reason, ended.Step)).Single());
    }

    [Fact]
    public async Task A_replica_that_hangs_in_a_step_is_named_and_the_process_leaves_in_a_bounded_time()
    {
        using var run = OnReplicas(2, epochs: 3);
        using var worker = SmallWorker.Start(run, null, ("MCN_DRILL_HANG_AT", "rank 1:5"), ("MCN_EXCHANGE_SECONDS", "2"));

        var end = await worker.Ended();

        Assert.Equal(ExitCodes.Stuck, end.ExitCode);
        var recorder = RecorderReader.Read(run.Folder.Recorder)!;
        Assert.Contains("rank 1 (cpu) did not come to the exchange of embeddings within 2 s", recorder.LastWords, StringComparison.Ordinal);
        var (waiting, stuck) = (recorder.Lanes[0].Last!, recorder.Lanes[1].Last!);
        Assert.Equal((RecorderPhase.Forward, 4L), (stuck.Phase, stuck.Step));
        Assert.True(waiting.Time - stuck.Time < 5 * TimeSpan.FromSeconds(2), $"waited {waiting.Time - stuck.Time}");

        // The supervisor, which looks at the lanes, would have named the same one.
        var hang = HeartbeatWatch.Judge(recorder, recorder.Started, waiting.Time, new HangLimits(TimeSpan.FromSeconds(1), 0, TimeSpan.FromMinutes(1)));
        Assert.Equal("rank 1 (cpu)", hang!.Lane);
        var summary = CrashInvestigator.Investigate(SceneOf(run, recorder, end.ExitCode), _ => new CodedText("restart", "next")).Summary;
        Assert.Equal(("rank 1 (cpu)", "hang", "rank 1 (cpu) did not come to the exchange of embeddings within 2 s"), (summary.Rank, summary.Kind, summary.Message));
        Assert.Equal("rank 1 (cpu)", CrashInvestigator.RankOf(SceneOf(run, recorder, null) with { Hang = hang.Text }));
        Assert.Equal("stuck-rank", DiagnosisEngine.Judge(new Evidence { ExitCode = end.ExitCode, Recorder = recorder, Texts = [] }).Cause.Rule);
    }

    [Fact]
    public async Task A_replica_that_hangs_is_one_line_with_a_remedy_for_who_trains_in_the_foreground()
    {
        using var run = OnReplicas(2, epochs: 3);
        run.Create();
        var (code, output, errors) = await TrainerProcess.Run(["train", "--config", run.Folder.Config, "--data", run.DataFolder], ("MCN_DRILL_HANG_AT", "rank 1:5"), ("MCN_EXCHANGE_SECONDS", "2"));

        Assert.Equal(ExitCodes.Stuck, code);
        Assert.Equal("train: rank 1 (cpu) did not come to the exchange of embeddings within 2 s; expected every replica at every exchange. "
            + "Look at that device (nvidia-smi; dmesg | grep Xid). Started again, the run goes on from its newest checkpoint\n", errors);
        Assert.Contains("cpu x 2", output, StringComparison.Ordinal);
        Assert.Contains("batch_size 2 videos x n_pair 4 clips = 8 clips a step, 4 a device (2)", output, StringComparison.Ordinal);
        Assert.Contains("BatchNorm groups of 4 clips; a device holds the graphs of 4 clips; memory by the plan: cpu ", output, StringComparison.Ordinal);
        Assert.Contains("failed at step 4 ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
    }

    static CrashScene SceneOf(SmallRun run, RecorderContent recorder, int? exitCode) => new()
    {
        Folder = run.Folder, Time = recorder.Heartbeat, WorkerIncarnation = 1, ExitCode = exitCode, Recorder = recorder,
    };

    /// <summary>Two BatchNorm groups a step, whatever the number of replicas.</summary>
    static SmallRun OnReplicas(int replicas, int epochs)
    {
        var run = new SmallRun();
        run.Config = run.Config with
        {
            Devices = [.. Enumerable.Repeat("cpu", replicas)],
            CpuThreads = 1,
            Model = run.Config.Model with { BatchnormGroup = run.Config.ClipsPerStep / 2 },
        };
        return run.Longer(epochs, everySteps: 7);
    }
}
