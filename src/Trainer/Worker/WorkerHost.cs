using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Gpu;
using Mcn.Web.Trainer.Planning;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Worker;

/// <summary>
/// The disposable process that trains one run for the supervisor. The only catch-all: whatever goes wrong ends the process with a
/// code that names it; the text goes to stderr and, by the session, into the recorder's last words. It never tries again by itself.
/// </summary>
public static class WorkerHost
{
    public static int Run(string runFolder, TextReader input, TextWriter log)
    {
        var control = new RunControl();
        // The supervisor asks over stdin; a signal means the same, whoever sent it.
        var signals = 0;
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        new CommandPipe(input, control, log).Start();
        try
        {
            var folder = new RunFolder(runFolder);
            var config = RunConfigFile.Read(folder.Config, []);
            if (RunConfigRules.CheckFiles(config) is { Count: > 0 } mistakes) throw new RunConfigException(mistakes);
            foreach (var warning in RunConfigRules.Warnings(config)) log.WriteLine($"warning: {warning}");
            using var memory = SnapshotMemory.FromSupervisor();
            var check = MemoryCheck.Require(config, device => DeviceMemory.Of(device, TimeProvider.System), memory.HeldBytes,
                device => device == MemoryPlan.Host ? ExitCodes.HostMemory : ExitCodes.DeviceMemory);
            if (check is not null) log.WriteLine($"warning: {check}");
            var topology = LinkTopology.Of(config.Devices);
            using var session = TrainingSession.Open(config, folder, TimeProvider.System, memory, topology.Links, topology.Boards);
            var reason = session.Run(null, control, _ => { });
            return reason == "interrupted" ? ExitCodes.SavedAndReleased : ExitCodes.Done;
        }
        catch (Exception error)
        {
            var code = NativeFailure.ExitCodeOf(error);
            log.WriteLine(error is UserError or RunConfigException ? error.Message : error.ToString());
            log.WriteLine($"worker leaves with exit code {code}");
            return code;
        }

        // A second signal ends at once: nothing half-written counts, the next start finds the newest whole state.
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            if (Interlocked.Increment(ref signals) > 1) EndNow.With(ExitCodes.Interrupted);
            control.RequestStop();
        }
    }
}
