using System.Text;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

public sealed class NpyTests
{
    public static TheoryData<ArrayType> Types() => [.. Enum.GetValues<ArrayType>().Where(t => t != ArrayType.BFloat16)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_type_survives_writing_and_reading(ArrayType type)
    {
        var bytes = Enumerable.Range(0, 6 * HostArray.SizeOf(type)).Select(i => (byte)i).ToArray();
        var read = Npy.Read(Written(new HostArray(type, [2, 3], bytes)), "x.npy");
        Assert.Equal(type, read.Type);
        Assert.Equal([2L, 3L], read.Shape);
        Assert.Equal(bytes, read.Data.ToArray());
    }

    [Fact]
    public void Scalars_and_empty_arrays_are_arrays_too()
    {
        Assert.Empty(Npy.Read(Written(Arrays.Singles([], 4)), "x").Shape);
        Assert.Equal([0L, 5L], Npy.Read(Written(Arrays.Singles([0, 5])), "x").Shape);
    }

    [Fact]
    public void Data_begin_at_a_multiple_of_64() => Assert.Equal(0, NpyHeader.Parse(Written(Arrays.Singles([3], 1, 2, 3)), "x").DataOffset % 64);

    [Fact]
    public void Fortran_order_becomes_c_order()
    {
        var array = Npy.Read(File("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3)}", [0, 0, 3, 0, 1, 0, 4, 0, 2, 0, 5, 0]), "x");
        Assert.Equal([0, 1, 2, 3, 4, 5], array.As<short>().ToArray());
    }

    [Theory]
    [InlineData("{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", "big-endian")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "Python objects")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "structured")]
    [InlineData("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "'<c8'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,)}", "4 bytes of data")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999)}", "too large")]
    [InlineData("{'descr': '<f4', 'fortran_order': False}", "lacks a key")]
    [InlineData("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}", "fortran_order")]
    [InlineData("{'descr': '<f4'", "'}'")]
    [InlineData("", "'{'")]
    public void Headers_that_do_not_fit_are_refused_with_the_offset(string header, string word) =>
        Arrays.Refused(() => Npy.Read(File(header, new byte[4]), "x.npy"), "x.npy: at byte", word);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void All_three_versions_are_read(byte version) =>
        Assert.Equal(7, Npy.Read(File("{'descr': '|u1', 'fortran_order': False, 'shape': (1L,), }", [7], version), "x").Data.Span[0]);

    [Fact]
    public void Numpy_has_no_bfloat16() => Arrays.Refused(() => Written(new HostArray(ArrayType.BFloat16, [1], new byte[2])), "BFloat16");

    [Fact]
    public void Damaged_files_end_in_user_errors() =>
        Mutations.OnlyUserErrors(Written(Arrays.Singles([4, 5], new float[20])), bytes => Npy.Read(bytes, "x.npy"));

    internal static byte[] Written(HostArray array)
    {
        using var stream = new MemoryStream();
        Npy.Write(stream, array);
        return stream.ToArray();
    }

    static byte[] File(string header, byte[] data, byte version = 1)
    {
        var text = Encoding.ASCII.GetBytes(header);
        byte[] length = version == 1 ? [(byte)text.Length, 0] : [(byte)text.Length, 0, 0, 0];
        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. text, .. data];
    }
}
