using System.CommandLine;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`serve`: the trainer daemon.</summary>
static class ServeVerb
{
    static readonly Option<string> Dashboard = new("--dashboard") { Description = "Address of the dashboard (https, or loopback); without it everything stays in the journal" };
    static readonly Option<FileInfo> KeyFile = new("--key-file") { Description = "File with this trainer's API key" };
    static readonly Option<FileInfo> Config = new("--config") { Description = "Run to start, or to go on with; a finished one is only shown" };
    static readonly Option<bool> New = new("--new") { Description = "Start a new run of --config even if there is one" };

    static readonly TimeSpan OneWish = TimeSpan.FromSeconds(2);
    static long firstSignal;

    public static Command Command()
    {
        var command = new Command("serve", "The trainer daemon: keeps a run going, reports its crashes, takes commands; never loads libtorch")
        {
            DaemonOptions.Data, Dashboard, KeyFile, Config, New,
        };
        command.SetAction((arguments, cancel) => RunAsync(arguments));
        return command;
    }

    static async Task<int> RunAsync(ParseResult arguments)
    {
        var address = arguments.GetValue(Dashboard);
        if (address is not null && !(Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
            throw new UserError("--dashboard", address, "an address like https://host or http://127.0.0.1:8080", "", ExitCodes.Usage);
        var options = new SupervisorOptions
        {
            DataFolder = arguments.GetValue(DaemonOptions.Data)!,
            Dashboard = address is null ? null : new Uri(address),
            KeyFile = arguments.GetValue(KeyFile)?.FullName,
            ConfigFile = arguments.GetValue(Config)?.FullName,
            New = arguments.GetValue(New),
            WorkerCommand = SupervisorOptions.DefaultWorkerCommand(),
            HangLimits = SupervisorOptions.LimitsFromEnvironment(),
        };
        using var leave = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Leave(signal, leave));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Leave(signal, leave));
        new TrainerFolder(options.DataFolder).Make();
        using var machine = new MachineReadings(options.DataFolder);
        using var service = new SupervisorService(options, machine.Probe, TimeProvider.System);
        return await service.RunAsync(leave.Token);
    }

    /// <summary>
    /// The first signal ends in order; a later one at once, and the worker saves when its stdin closes. Two within a moment are one: a
    /// terminal, timeout(1) and a script that passes signals on all send them in pairs.
    /// </summary>
    static void Leave(PosixSignalContext signal, CancellationTokenSource leave)
    {
        signal.Cancel = true;
        var now = TimeProvider.System.GetTimestamp();
        var first = Interlocked.CompareExchange(ref firstSignal, now, 0);
        if (first != 0 && TimeProvider.System.GetElapsedTime(first, now) > OneWish) Environment.Exit(ExitCodes.Interrupted);
        leave.Cancel();
    }
}
