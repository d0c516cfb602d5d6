using Mcn.Web.Shared;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class TorchDevicesTests
{
    [Fact]
    public void A_GPU_that_is_not_there_is_a_wrong_configuration_and_says_what_to_do()
    {
        if (cuda.is_available()) Assert.Skip("this machine has a GPU");
        var error = Assert.Throws<UserError>(() => TorchDevices.Open(RandomBatches.Config(group: 24) with { Devices = ["cuda:0"] }));
        Assert.Equal(ExitCodes.Usage, error.ExitCode);
        Assert.StartsWith("devices: cuda:0 cannot be opened; expected ", error.Message, StringComparison.Ordinal);
        Assert.Contains("MCN_TORCH_BACKEND=cuda", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_processor_is_there_as_often_as_it_is_named() => Assert.Equal([DeviceType.CPU, DeviceType.CPU], TorchDevices.Open(RandomBatches.Config(group: 24) with { Devices = ["cpu", "cpu"] }).Select(device => device.type));
}
