using System.Text;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

public sealed class SafetensorsTests
{
    [Fact]
    public void Tensors_and_metadata_survive_writing_and_reading()
    {
        using var folder = new TempFolder();
        var path = folder.File("m.safetensors");
        File.WriteAllBytes(path, Written());
        using var file = SafetensorsFile.Open(path);
        Assert.Equal("1 \"ü\"", file.Metadata["step"]);
        Assert.Equal(["b", "a", "empty"], file.Names);
        Assert.Equal([1f, 2, 3, 4, 5, 6], file.Read("a").ToSingles());
        Assert.Equal([2L, 3L], file.Read("a").Shape);
        Assert.Equal(ArrayType.BFloat16, file.Read("b").Type);
        Assert.Equal([0L, 2L], file.Read("empty").Shape);
        Arrays.Refused(() => file.Read("c"), "b, a, empty", "'c'");
    }

    [Fact]
    public void The_data_begin_at_a_multiple_of_8() => Assert.Equal(0, BitConverter.ToInt64(Written()) % 8);

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "4 bytes of data")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "begin at offset 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "4 bytes after")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "begin at offset 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}""", "data offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", "whole numbers")]
    [InlineData("""{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}""", "C64")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "twice")]
    [InlineData("""{"a":{"shape":[2],"data_offsets":[0,8]}}""", "none")]
    [InlineData("""{"a":5}""", "not an object")]
    [InlineData("""{"__metadata__":{"x":5}}""", "not text")]
    [InlineData("""{"a\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "JSON")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{]", "JSON")]
    public void Headers_that_do_not_fit_are_refused(string header, string word)
    {
        var text = Encoding.UTF8.GetBytes(header);
        byte[] file = [.. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[8]];
        Arrays.Refused(() => SafetensorsFile.Open(file, "m.safetensors").Dispose(), "m.safetensors", word);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    [InlineData(200_000_000)]
    public void A_header_length_beyond_the_file_is_refused(long length) =>
        Arrays.Refused(() => SafetensorsFile.Open([.. BitConverter.GetBytes(length), .. new byte[100]], "m").Dispose(), "at byte 0");

    [Fact]
    public void Damaged_files_end_in_user_errors() => Mutations.OnlyUserErrors(Written(), bytes =>
    {
        using var file = SafetensorsFile.Open(bytes, "m.safetensors");
        foreach (var name in file.Names) file.Read(name);
    });

    [Fact]
    public void An_entry_that_writes_too_little_is_the_callers_mistake() => Assert.Throws<ArgumentException>(() =>
        Safetensors.Write(new MemoryStream(), [new SafetensorsEntry("a", ArrayType.Float32, [2], s => s.Write(new byte[4]))], new Dictionary<string, string>()));

    static byte[] Written()
    {
        using var stream = new MemoryStream();
        Safetensors.Write(
            stream,
            [
                new("b", ArrayType.BFloat16, [4], s => s.Write(new byte[8])),
                new("a", ArrayType.Float32, [2, 3], s => s.Write(Arrays.Singles([2, 3], 1, 2, 3, 4, 5, 6).Data.Span)),
                new("empty", ArrayType.Int64, [0, 2], _ => { }),
            ],
            new Dictionary<string, string> { ["step"] = "1 \"ü\"" });
        return stream.ToArray();
    }
}
