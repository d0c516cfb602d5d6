using System.Runtime.InteropServices;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Trainer.Training;
using Mcn.Web.Trainer.Worker;

namespace Mcn.Web.Trainer.Tests.Worker;

public sealed class CommandPipeTests
{
    [Fact]
    public void Lines_become_wishes_and_nonsense_is_said_and_ignored()
    {
        var control = new RunControl();
        var log = new StringWriter();
        var pipe = new CommandPipe(TextReader.Null, control, log);

        pipe.Take(Line(CommandVerb.Hold, "h"));
        Assert.Equal((true, "h", false), (control.HoldRequested, control.HoldCommandId, control.StopRequested));
        pipe.Take(Line(CommandVerb.CheckpointNow, "c"));
        Assert.Equal("c", control.TakeCheckpointWish()?.CommandId);
        Assert.Null(control.TakeCheckpointWish());
        pipe.Take("{ \"verb\": ");
        Assert.Contains("no command", log.ToString(), StringComparison.Ordinal);
        pipe.Take(Line(CommandVerb.Resume, "r"));
        Assert.Equal((false, "r"), (control.HoldRequested, control.ResumeCommandId));
        pipe.Take(Line(CommandVerb.StopWithoutSaving, "s"));
        Assert.Equal((true, "s", false), (control.StopRequested, control.StopCommandId, control.SaveBeforeLeaving));
    }

    [Fact]
    public async Task A_closed_stdin_is_a_wish_to_save_and_leave()
    {
        var control = new RunControl();
        new CommandPipe(new StringReader(Line(CommandVerb.Hold, "h") + "\n"), control, TextWriter.Null).Start();
        for (var i = 0; i < 500 && !control.StopRequested; i++) await Task.Delay(10);
        Assert.Equal((true, true, null), (control.StopRequested, control.SaveBeforeLeaving, control.StopCommandId));
    }

#pragma warning disable CA2201 // it is what TorchSharp throws
    [Theory]
    [InlineData("CUDA out of memory. Tried to allocate 2.00 GiB", ExitCodes.DeviceMemory)]
    [InlineData("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(...)`", ExitCodes.DeviceLost)]
    [InlineData("CUDA error: device-side assert triggered", ExitCodes.DeviceLost)]
    [InlineData("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes", ExitCodes.HostMemory)]
    [InlineData("mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)", ExitCodes.NativeError)]
    public void What_libtorch_says_has_a_code_of_its_own(string text, int code) => Assert.Equal(code, NativeFailure.ExitCodeOf(new ExternalException(text)));
#pragma warning restore CA2201

    [Fact]
    public void What_the_user_can_mend_keeps_its_code()
    {
        Assert.Equal(ExitCodes.Refused, NativeFailure.ExitCodeOf(new UserError("x", "held", "", "", ExitCodes.Refused)));
        Assert.Equal(ExitCodes.Numerics, NativeFailure.ExitCodeOf(new UserError("step 3", "loss NaN", "a finite number", "")));
        Assert.Equal(ExitCodes.BadData, NativeFailure.ExitCodeOf(new UserError("a.npz", "10 bytes", "4096", "")));
        Assert.Equal(ExitCodes.Storage, NativeFailure.ExitCodeOf(new IOException("No space left on device")));
        Assert.Equal(ExitCodes.ProgramError, NativeFailure.ExitCodeOf(new InvalidOperationException("?")));
    }

    static string Line(CommandVerb verb, string id) =>
        JsonSerializer.Serialize(new RunCommand(id, null, verb, null, "test", default, default), McnJson.Default.RunCommand);
}
