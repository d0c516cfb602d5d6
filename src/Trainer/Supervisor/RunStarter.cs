using System.Text;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Recording;
using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>From a configuration to a loaded run: at start-up, and for a start command.</summary>
public sealed class RunStarter(TrainerFolder trainer, SupervisorOptions options, RunKeeper keeper, ILogger log, TimeProvider time)
{
    readonly RunCatalog catalog = new(trainer.Data, time);

    /// <summary>The run of `--config`, or the one that was loaded last; none is fine too.</summary>
    /// <exception cref="RunConfigException">Every mistake of the configuration.</exception>
    public void LoadAtStart()
    {
        var desired = StateFile.Read(trainer.Desired, TrainerJson.Default.DesiredRun, log);
        if (options.ConfigFile is { } file)
        {
            var config = Read(file);
            var run = options.New ? null : catalog.FindNewest(config);
            // What a person has told this run to do outlives the daemon; anything else begins.
            Load(run ?? catalog.Create(config), run is not null && desired?.RunId == run.RunId ? desired : null);
        }
        else if (desired is not null && RunFolder.Find(trainer.Data, desired.RunId) is { } last)
        {
            Load(last, desired);
        }
        else
        {
            log.Information("No run is loaded; start one from the page, or with: start FILE");
        }
    }

    /// <summary>A start command: the configuration's text, checked like a file.</summary>
    public CommandAnswer Start(RunCommand command)
    {
        CommandAnswer Refuse(string text) => new(command.CommandId, false, "bad_configuration", text, null);
        if (string.IsNullOrWhiteSpace(command.Argument)) return Refuse("no configuration came with the command");
        try
        {
            var config = Read(Keep(command, command.Argument));
            var run = catalog.FindNewest(config) is { } existing && !RunCatalog.Read(existing).Finished ? existing : catalog.Create(config);
            var known = StateFile.Read(trainer.Desired, TrainerJson.Default.DesiredRun, log) is { } desired && desired.RunId == run.RunId ? desired.Generation : 0;
            keeper.Load(run, new DesiredRun(DesiredRun.Version, run.RunId, RunTarget.Running, null, known + 1), command.CommandId);
            return new CommandAnswer(command.CommandId, true, "accepted", $"starts run {run.RunId}", run.RunId);
        }
        catch (RunConfigException mistakes)
        {
            return Refuse(mistakes.Message);
        }
        catch (Exception error) when (error is UserError or IOException or UnauthorizedAccessException)
        {
            return Refuse(error.Message);
        }
    }

    /// <summary>A new run that begins with the state of a checkpoint of another.</summary>
    public CommandAnswer Branch(RunCommand command)
    {
        CommandAnswer Refuse(string code, string text) => new(command.CommandId, false, code, text, null);
        try
        {
            var point = JsonSerializer.Deserialize(command.Argument ?? "null", McnJson.Default.BranchPoint) ?? throw new JsonException("a branch needs a step");
            if (RunFolder.Find(trainer.Data, command.RunId) is not { } parent) return Refuse("unknown_run", $"there is no run {command.RunId} here");
            var config = Read(point.Configuration is { } text ? Keep(command, text) : parent.Config);
            if (RunBranch.Create(catalog, parent, point.Step, config) is not { } run) return Refuse("no_checkpoint", $"run {command.RunId} has no checkpoint of step {point.Step} (any more)");
            keeper.Load(run, new DesiredRun(DesiredRun.Version, run.RunId, RunTarget.Running, null, 1), command.CommandId);
            return new CommandAnswer(command.CommandId, true, "accepted", $"starts run {run.RunId} at step {point.Step} of run {command.RunId}", run.RunId);
        }
        catch (JsonException error)
        {
            return Refuse("bad_argument", error.Message);
        }
        catch (RunConfigException mistakes)
        {
            return Refuse("bad_configuration", mistakes.Message);
        }
        catch (Exception error) when (error is UserError or IOException or UnauthorizedAccessException)
        {
            return Refuse("wrong_state", error.Message);
        }
    }

    /// <summary>A resume of a run that is not the loaded one: it is loaded, as a start of its configuration would.</summary>
    public CommandAnswer GoOn(RunCommand command, string runId)
    {
        CommandAnswer Refuse(string code, string text) => new(command.CommandId, false, code, text, runId);
        if (RunFolder.Find(trainer.Data, runId) is not { } run) return Refuse("unknown_run", $"there is no run {runId} here");
        try
        {
            if (RunCatalog.Read(run).Finished) return Refuse("wrong_state", "the run is FINISHED");
            keeper.Load(run, new DesiredRun(DesiredRun.Version, runId, RunTarget.Running, command.CommandId, Math.Max(1, command.Generation)), command.CommandId);
            return new CommandAnswer(command.CommandId, true, "accepted", "is loaded and goes on from its last checkpoint", runId);
        }
        catch (Exception error) when (error is UserError or IOException or UnauthorizedAccessException)
        {
            return Refuse("wrong_state", error.Message);
        }
    }

    void Load(RunFolder run, DesiredRun? desired)
    {
        keeper.Load(run, desired ?? new DesiredRun(DesiredRun.Version, run.RunId, RunTarget.Running), null);
        var view = keeper.View!;
        log.Information("Loaded run {Run} ({Name}): {State}", view.RunId, view.Name, view.State.ToString().ToUpperInvariant());
        if (view.Finished) log.Information("It is finished and only shown; --new starts another");
        else if (view.Target is RunTarget.Stopped or RunTarget.Released) log.Information("It was {Target}; `resume` goes on with it", view.Target.ToString().ToLowerInvariant());
    }

    /// <summary>What came over the wire, as the file that messages about it name.</summary>
    string Keep(RunCommand command, string configuration)
    {
        var safeName = string.Concat(command.CommandId.Where(char.IsAsciiLetterOrDigit).Take(64));
        var file = Path.Combine(trainer.Received, $"{time.GetUtcNow():yyyyMMdd-HHmmss}-{safeName}.json");
        Directory.CreateDirectory(trainer.Received);
        File.WriteAllText(file, configuration, new UTF8Encoding(false));
        return file;
    }

    static RunConfig Read(string file)
    {
        var config = RunConfigFile.Read(file, []);
        return RunConfigRules.CheckFiles(config) is { Count: > 0 } mistakes ? throw new RunConfigException(mistakes) : config;
    }
}
