using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

public sealed class TorchFileTests
{
    [Theory]
    [InlineData("checkpoint_zip.pth")]
    [InlineData("checkpoint_legacy.pth")]
    public void Both_golden_checkpoints_hold_the_starting_parameters(string name)
    {
        var (path, parameters) = (SharedData.Find("golden/" + name), SharedData.Find("golden/init_params.npz"));
        Assert.SkipWhen(path is null || parameters is null, SharedData.SkipReason);
        var state = PickleReaderTests.Dictionary(TorchFile.Read(path!));
        var expected = Npz.ReadAll(parameters!);
        Assert.Equal(expected.Count, state.Count);
        foreach (var (key, array) in expected)
        {
            var tensor = Assert.IsType<HostArray>(state[key]);
            Assert.Equal(array.Shape, tensor.Shape);
            Assert.Equal(array.Type, tensor.Type);
            Assert.True(array.Data.Span.SequenceEqual(tensor.Data.Span), key);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Damaged_checkpoints_end_in_user_errors(bool zip)
    {
        Python.SkipUnlessPresent();
        using var folder = new TempFolder();
        Python.Output("import torch,sys; w=torch.arange(12.).reshape(3,4); torch.save({'w': w, 'row': w[1], 'b': torch.ones(3).half()}, sys.argv[1], _use_new_zipfile_serialization=sys.argv[2]=='True')", folder.File("m.pth"), zip.ToString());
        var bytes = File.ReadAllBytes(folder.File("m.pth"));
        var state = PickleReaderTests.Dictionary(TorchFile.Read(bytes, "m.pth"));
        Assert.Equal([4f, 5, 6, 7], Assert.IsType<HostArray>(state["row"]).ToSingles());
        Mutations.OnlyUserErrors(bytes, damaged => TorchFile.Read(damaged, "m.pth"));
    }

    [Fact]
    public void Files_of_another_kind_are_refused()
    {
        Arrays.Refused(() => TorchFile.Read([], "m.pth"), "empty");
        Arrays.Refused(() => TorchFile.Read("N."u8.ToArray(), "m.pth"), "torch.save");
        using var folder = new TempFolder();
        Npz.Write(folder.File("a.npz"), [("a", Arrays.Singles([1], 1))], compress: false);
        Arrays.Refused(() => TorchFile.Read(folder.File("a.npz")), "no data.pkl");
    }
}
