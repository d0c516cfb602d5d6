using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

public sealed class PickleWriterTests
{
    static List<object?> Sample() =>
    [
        null, true, false, 0L, 255L, 256L, -1L, long.MinValue, 1.5, "ü", new string('x', 300), new byte[] { 1, 0 }, new byte[300],
        Array.Empty<object?>(), new object?[] { 1L, 2L, 3L, 4L }, new Dictionary<string, object?> { ["ü"] = new List<object?>() },
        Arrays.Singles([2, 2], 1, 2, 3, 4), new TorchTensor(Arrays.Of(ArrayType.Float16, [1, 3], (Half)1, (Half)2, (Half)(-3))),
    ];

    [Fact]
    public void What_is_written_is_read_back()
    {
        var sample = Sample();
        var read = Assert.IsType<List<object?>>(PickleReader.Read(PickleReaderTests.Written(sample), "x"));
        Assert.Equal(sample[..15], read[..15]);
        Assert.Empty(Assert.IsType<List<object?>>(PickleReaderTests.Dictionary(read[15])["ü"]));
        Assert.Equal([1f, 2, 3, 4], Assert.IsType<HostArray>(read[16]).ToSingles());
        var tensor = Assert.IsType<HostArray>(read[17]);
        Assert.Equal((ArrayType.Float16, 1L, 3L), (tensor.Type, tensor.Shape[0], tensor.Shape[1]));
        Assert.Equal([1f, 2, -3], tensor.ToSingles());
    }

    [Theory]
    [InlineData(ArrayType.BFloat16)]
    [InlineData(ArrayType.Bool)]
    [InlineData(ArrayType.Int64)]
    [InlineData(ArrayType.UInt8)]
    public void Tensors_of_every_kind_are_read_back(ArrayType type)
    {
        var bytes = new byte[6 * HostArray.SizeOf(type)];
        bytes[^1] = 1;
        var read = Assert.IsType<HostArray>(PickleReader.Read(PickleReaderTests.Written(new TorchTensor(new HostArray(type, [2, 3], bytes))), "x"));
        Assert.Equal(type, read.Type);
        Assert.Equal(bytes, read.Data.ToArray());
    }

    [Fact]
    public void Python_loads_what_is_written()
    {
        Python.SkipUnlessPresent();
        using var folder = new TempFolder();
        PickleWriter.Write(folder.File("x.pkl"), Sample());
        const string Script = """
            import pickle, sys
            v = pickle.load(open(sys.argv[1], 'rb'))
            assert v[:10] == [None, True, False, 0, 255, 256, -1, -2**63, 1.5, 'ü'], v[:10]
            assert v[10:16] == ['x' * 300, b'\x01\x00', bytes(300), (), (1, 2, 3, 4), {'ü': []}], v[10:16]
            print(v[16].tolist(), v[16].dtype, v[17].tolist(), v[17].dtype, tuple(v[17].shape))
            """;
        Assert.Equal("[[1.0, 2.0], [3.0, 4.0]] float32 [[1.0, 2.0, -3.0]] torch.float16 (1, 3)", Python.Output(Script, folder.File("x.pkl")));
    }

    [Fact]
    public void What_a_pickle_cannot_hold_is_the_callers_mistake()
    {
        Assert.Throws<ArgumentException>(() => PickleReaderTests.Written(1.5m));
        Assert.Throws<ArgumentException>(() => PickleReaderTests.Written(new HostArray(ArrayType.BFloat16, [1], new byte[2])));
        var endless = new List<object?>();
        endless.Add(endless);
        Assert.Throws<ArgumentException>(() => PickleReaderTests.Written(endless));
    }
}
