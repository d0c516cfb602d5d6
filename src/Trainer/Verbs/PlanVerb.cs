using System.CommandLine;
using System.Globalization;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Gpu;
using Mcn.Web.Trainer.Planning;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`plan`: what a batch_size means in clips, and what it needs in memory, before anything is started.</summary>
static class PlanVerb
{
    const double Gibi = 1L << 30;

    // Beyond it somebody has written MiB.
    const double LargestCard = 1024;

    static readonly Option<FileInfo> Config = new("--config") { Description = "Configuration of the run (JSON)", Required = true };
    static readonly Option<string[]> Set = new("--set") { Description = "key=value: overrides one key; repeatable" };
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object" };
    static readonly Option<double?> GpuMemory = new("--gpu-memory")
    {
        Description = "GiB of each card to plan for, all of it free, instead of the GPUs in this machine",
        Validators = { UsageMistakes.PointOnly, UsageMistakes.Only(gib => gib is > 0 and <= LargestCard, "GiB of one card, more than 0, at most 1024 (a card of 40 GB: 40)") },
    };
    static readonly Option<bool> Probe = new("--probe") { Description = "Also run two small batches in processes of their own and predict from what they took; of GPUs the fullest board counts" };

    public static Command Command()
    {
        var command = new Command("plan", "Batch algebra and memory of a configuration; exit code 1 when it does not fit") { Config, Set, Json, GpuMemory, Probe };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        var file = arguments.GetRequiredValue(Config).FullName;
        var overrides = arguments.GetValue(Set) ?? [];
        var config = RunConfigFile.Read(file, overrides);
        var card = arguments.GetValue(GpuMemory);
        if (card is not null && config.Devices[0] == MemoryPlan.Host)
            throw new UserError("--gpu-memory", "this configuration's devices are the CPU", "GPUs", "To plan for a card: --set devices=cuda:0", ExitCodes.Usage);
        var report = PlanReport.Of(config, MemoryOf(config, card), arguments.GetValue(Probe) ? Measured(file, overrides, config) : null);
        if (arguments.GetValue(Json)) Console.WriteLine(report.ToJson().ToJsonString());
        else report.Show(Console.Out);
        return report.Fits ? ExitCodes.Done : ExitCodes.Fails;
    }

    static ProbeResult Measured(string file, IReadOnlyList<string> overrides, RunConfig config)
    {
        if (config.Devices[0] == MemoryPlan.Host) return MemoryProbe.Run(file, overrides, config, boards: null);
        TorchDevices.Open(config); // a device that this build has not got, in one line
        using var boards = new BoardWatch(config.Devices);
        boards.Read();
        return boards.Simulated
            ? throw new UserError("--probe", "the GPUs are simulated", "boards on which a run takes memory", "Leave --probe out", ExitCodes.Usage)
            : MemoryProbe.Run(file, overrides, config, boards.Read);
    }

    /// <summary>A card elsewhere says nothing of the host that it sits in: that is then not looked at.</summary>
    static Func<string, DeviceMemory?> MemoryOf(RunConfig config, double? gib) => device => gib switch
    {
        null => DeviceMemory.Of(device, TimeProvider.System),
        { } size when config.Devices.Contains(device) =>
            new DeviceMemory(string.Create(CultureInfo.InvariantCulture, $"a card of {size:0.#} GiB (as asked for)"), (long)(size * Gibi), (long)(size * Gibi)),
        _ => null,
    };
}
