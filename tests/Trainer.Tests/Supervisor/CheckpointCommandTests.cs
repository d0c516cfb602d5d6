using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Tests.Training;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>Orders about checkpoints, with a real one on disk and real processes.</summary>
public sealed class CheckpointCommandTests
{
    [Fact]
    public async Task A_pin_is_on_disk_and_told_once_and_taken_back()
    {
        using var trained = Trained();
        await using var fixture = await WithCheckpointAsync(trained, "clean");
        await fixture.UntilStateAsync(RunState.Finished);
        var desk = fixture.Service.Desk;
        var mark = Path.Combine(CheckpointFolder.Paths(fixture.Run.Checkpoints).Single(), CheckpointFolder.PinnedMark);

        Assert.True((await desk.ExecuteAsync(Command("1", CommandVerb.Pin, new CheckpointPin(4, Keep: true)))).Accepted);
        Assert.Equal("kept by test\n", await File.ReadAllTextAsync(mark));
        Assert.Equal(CommandEnded.Done, (await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "1")).Code);
        Assert.True((await desk.ExecuteAsync(Command("2", CommandVerb.Pin, new CheckpointPin(4, Keep: false)))).Accepted);
        Assert.False(File.Exists(mark));
        Assert.Equal("no_checkpoint", (await desk.ExecuteAsync(Command("3", CommandVerb.Pin, new CheckpointPin(5, Keep: true)))).Code);
        Assert.Equal("bad_argument", (await desk.ExecuteAsync(Command("4", CommandVerb.Pin, new CheckpointPin(4, true)) with { Argument = "{" })).Code);
        Assert.Equal([(4L, true), (4L, false)], fixture.Journal("supervisor").OfType<CheckpointPinned>().Select(pin => (pin.Step, pin.Pinned)));
    }

    [Fact]
    public async Task A_branch_is_refused_while_a_run_is_under_way_and_then_becomes_a_run_of_its_own()
    {
        using var trained = Trained();
        await using var fixture = await WithCheckpointAsync(trained, "slow");
        await fixture.UntilStateAsync(RunState.Running, "worker");
        var desk = fixture.Service.Desk;
        Assert.Equal("busy", (await desk.ExecuteAsync(Command("1", CommandVerb.Branch, new BranchPoint(4), fixture.Run.RunId))).Code);
        await desk.ExecuteAsync(Command("2", CommandVerb.Stop, null, generation: 1));
        await fixture.UntilStateAsync(RunState.Stopped);

        Assert.Equal("no_checkpoint", (await desk.ExecuteAsync(Command("3", CommandVerb.Branch, new BranchPoint(5), fixture.Run.RunId))).Code);
        Assert.Equal("unknown_run", (await desk.ExecuteAsync(Command("4", CommandVerb.Branch, new BranchPoint(4), "../trainer"))).Code);
        Assert.Equal("bad_configuration", (await desk.ExecuteAsync(Command("5", CommandVerb.Branch, new BranchPoint(4, "{ \"optimizer\": { \"lr\": -1 } }"), fixture.Run.RunId))).Code);
        Assert.Single(Directory.GetDirectories(RunFolder.RunsOf(fixture.Data)));
        var answer = await desk.ExecuteAsync(Command("6", CommandVerb.Branch, new BranchPoint(4), fixture.Run.RunId));

        Assert.True(answer.Accepted, answer.Text);
        var branch = new RunFolder(Path.Combine(RunFolder.RunsOf(fixture.Data), answer.RunId!));
        Assert.Equal(new RunParent(fixture.Run.RunId, 4), RunCatalog.Read(branch).Parent);
        Assert.Equal([4L], CheckpointFolder.List(branch.Checkpoints).Select(entry => entry.Step));
        await SupervisorFixture.WaitForAsync(() => RunCatalog.Read(branch).Finished, "the branch");
    }

    [Fact]
    public async Task Downloads_wait_in_a_bounded_line()
    {
        using var trained = Trained();
        await using var fixture = await WithCheckpointAsync(trained, "clean"); // without a dashboard nobody fetches them
        await fixture.UntilStateAsync(RunState.Finished);
        var answers = new List<CommandAnswer>();
        for (var i = 0; i < 6; i++) answers.Add(await fixture.Service.Desk.ExecuteAsync(Command($"{i}", CommandVerb.SendCheckpoint, new CheckpointOrder(4, $"ticket{i}"), fixture.Run.RunId)));
        Assert.Equal(["accepted", "accepted", "accepted", "accepted", "busy", "busy"], answers.Select(answer => answer.Code));
        Assert.Equal("no_checkpoint", (await fixture.Service.Desk.ExecuteAsync(Command("x", CommandVerb.SendCheckpoint, new CheckpointOrder(5, "t"), fixture.Run.RunId))).Code);
    }

    /// <summary>4 steps and their checkpoint.</summary>
    static SmallRun Trained()
    {
        var run = new SmallRun();
        run.Train(steps: 4);
        return run;
    }

    static Task<SupervisorFixture> WithCheckpointAsync(SmallRun trained, string scenario)
    {
        var fixture = new SupervisorFixture(scenario);
        RunConfigFile.Write(fixture.Run.Config, trained.Config);
        Directory.Move(trained.Folder.Checkpoints, fixture.Run.Checkpoints);
        fixture.Start();
        return Task.FromResult(fixture);
    }

    static RunCommand Command(string id, CommandVerb verb, object? argument, string? run = null, long generation = 0) => new(id, run, verb,
        argument is null ? null : JsonSerializer.Serialize(argument, argument.GetType(), McnJson.Default), "test", TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(1), generation);
}
