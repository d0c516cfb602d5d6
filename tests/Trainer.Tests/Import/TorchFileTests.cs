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
    public void A_compressed_pickle_is_refused_before_it_is_inflated()
    {
        using var memory = new MemoryStream();
        using (var zip = new System.IO.Compression.ZipArchive(memory, System.IO.Compression.ZipArchiveMode.Create, leaveOpen: true))
        {
            using var entry = zip.CreateEntry("archive/data.pkl", System.IO.Compression.CompressionLevel.Optimal).Open();
            entry.Write(Enumerable.Repeat((byte)']', 10 << 20).ToArray());
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        Arrays.Refused(() => TorchFile.Read(memory.ToArray(), "m.pth"), "m.pth : archive/data.pkl: at byte 0", "a compressed data.pkl");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void Storages_are_found_without_searching_the_archive_for_each()
    {
        // 30,000 x 30,000 comparisons took seven seconds; a bound far from both.
        var one = Arrays.Singles([1], 1);
        using var memory = new MemoryStream();
        TorchStateWriter.Write(memory, "m.pth", [.. Enumerable.Range(0, 30_000).Select(i => ($"t{i}", one))]);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.Equal(30_000, PickleReaderTests.Dictionary(TorchFile.Read(memory.ToArray(), "m.pth")).Count);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"{clock.Elapsed}");
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
