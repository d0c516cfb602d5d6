using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

public sealed class TorchStateWriterTests
{
    static readonly (string Name, HostArray Array)[] Tensors =
    [
        ("a.weight", Arrays.Singles([2, 3], 0, 1, 2, 3, 4, 5)), ("a.num_batches_tracked", Arrays.Of(ArrayType.Int64, [], 7L)),
        ("empty", Arrays.Singles([0, 4])), ("conv", Arrays.Singles([2, 1, 1, 2], 1, 2, 3, 4)),
    ];

    [Fact]
    public void What_is_written_is_read_back()
    {
        var state = PickleReaderTests.Dictionary(TorchFile.Read(Written(), "a.pth"));
        Assert.Equal(Tensors.Select(tensor => tensor.Name), state.Keys.Cast<string>());
        foreach (var (name, array) in Tensors)
        {
            var read = Assert.IsType<HostArray>(state[name]);
            Assert.Equal(array.Type, read.Type);
            Assert.Equal(array.Shape, read.Shape);
            Assert.True(array.Data.Span.SequenceEqual(read.Data.Span), name);
        }
    }

    [Fact]
    public void Equal_tensors_are_equal_files() => Assert.Equal(Written(), Written());

    [Theory]
    [InlineData("True")]
    [InlineData("False")]
    public void Torch_reads_it_without_trusting_it(string weightsOnly)
    {
        Python.SkipUnlessPresent();
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.File("a.pth"), Written());
        var printed = Python.Output(
            "import torch,sys; s=torch.load(sys.argv[1], weights_only=sys.argv[2]=='True'); print(type(s).__name__, {k: (v.tolist(), str(v.dtype), list(v.shape)) for k,v in s.items()})",
            folder.File("a.pth"), weightsOnly);
        Assert.Equal(
            "OrderedDict {'a.weight': ([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], 'torch.float32', [2, 3]), 'a.num_batches_tracked': (7, 'torch.int64', []), "
            + "'empty': ([], 'torch.float32', [0, 4]), 'conv': ([[[[1.0, 2.0]]], [[[3.0, 4.0]]]], 'torch.float32', [2, 1, 1, 2])}", printed);
    }

    [Fact]
    public void The_data_begin_at_multiples_of_64()
    {
        var bytes = Written();
        for (var i = 0; i < 4; i++)
        {
            var name = bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes($"archive/data/{i}"));
            var lengths = bytes.AsSpan(name - 4);
            Assert.Equal(0, (name + BitConverter.ToUInt16(lengths) + BitConverter.ToUInt16(lengths[2..])) % 64);
        }
    }

    static byte[] Written()
    {
        using var stream = new MemoryStream();
        TorchStateWriter.Write(stream, "a.pth", Tensors);
        return stream.ToArray();
    }
}
