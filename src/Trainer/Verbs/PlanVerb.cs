using System.CommandLine;
using System.Globalization;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Planning;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`plan`: what a batch_size means in clips, and what it needs in memory, before anything is started.</summary>
static class PlanVerb
{
    const double Gibi = 1L << 30;

    static readonly Option<FileInfo> Config = new("--config") { Description = "Configuration of the run (JSON)", Required = true };
    static readonly Option<string[]> Set = new("--set") { Description = "key=value: overrides one key; repeatable" };
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object" };
    static readonly Option<double?> GpuMemory = new("--gpu-memory")
    {
        Description = "GiB of the card to plan for, all of it free, instead of the device in this machine",
        Validators = { UsageMistakes.Only(gib => gib > 0, "GiB, more than 0") },
    };
    static readonly Option<bool> Probe = new("--probe") { Description = "Also run two small batches in processes of their own and predict from what they took (CPU)" };

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
        var report = PlanReport.Of(config, MemoryOf(config, arguments.GetValue(GpuMemory)), arguments.GetValue(Probe) ? MemoryProbe.Run(file, overrides, config) : null);
        if (arguments.GetValue(Json)) Console.WriteLine(report.ToJson().ToJsonString());
        else report.Show(Console.Out);
        return report.Fits ? ExitCodes.Done : ExitCodes.Fails;
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
