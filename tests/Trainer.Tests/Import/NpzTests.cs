using System.Text.Json;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

public sealed class NpzTests
{
    static readonly HostArray Features = Arrays.Singles([2, 3], 0, 1, 2, 3, 4, 5);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_archive_survives_writing_and_reading(bool compress)
    {
        using var folder = new TempFolder();
        var path = folder.File("a.npz");
        Npz.Write(path, [("features", Features), ("empty", Arrays.Singles([0]))], compress);
        using var reader = new NpzReader();
        var read = reader.Read(path, "features");
        Assert.Equal([2L, 3L], read.Shape);
        Assert.Equal(Features.ToSingles(), read.ToSingles());
        Assert.Equal(["features", "empty"], Npz.ReadAll(path).Keys);
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_large_file_is_read_part_by_part(bool compress)
    {
        using var folder = new TempFolder();
        var path = folder.File("large.npz");
        var state = 7UL;
        var bytes = new byte[12 << 20];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)Mutations.Next(ref state);
        Npz.Write(path, [("noise", new HostArray(ArrayType.UInt8, [bytes.Length], bytes)), ("features", Features)], compress);
        using var reader = new NpzReader();
        Assert.True(reader.Read(path, "noise").Data.Span.SequenceEqual(bytes));
        Assert.Equal(Features.ToSingles(), reader.Read(path, "features").ToSingles());
    }

    [Fact]
    public void Bytes_of_the_caller_are_never_a_buffer()
    {
        using var folder = new TempFolder();
        Npz.Write(folder.File("a.npz"), [("features", Features)], compress: false);
        var bytes = Archive(compress: false);
        var copy = bytes.ToArray();
        using var reader = new NpzReader();
        reader.Read(bytes, "bytes", "arr_0");
        reader.Read(folder.File("a.npz"), "features");
        Assert.Equal(copy, bytes);
    }

    [Fact]
    public void A_missing_key_lists_the_keys_found()
    {
        var bytes = Archive(compress: false);
        using var reader = new NpzReader();
        Arrays.Refused(() => reader.Read(bytes, "a.npz", "features"), "the keys are arr_0, arr_1", "'features'");
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        using var reader = new NpzReader();
        Arrays.Refused(() => reader.Read("/nowhere/a.npz", "features"), "/nowhere/a.npz", "no such file");
        Arrays.Refused(() => reader.Read("/", "features"), "/:");
    }

    [Fact]
    public void Empty_and_foreign_files_are_refused()
    {
        using var reader = new NpzReader();
        Arrays.Refused(() => reader.Read([], "a.npz", "x"), "empty");
        Arrays.Refused(() => reader.Read(new byte[5], "a.npz", "x"), "no zip archive");
        Arrays.Refused(() => reader.Read(new byte[5000], "a.npz", "x"), "end-of-central-directory");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_truncated_archive_is_refused_at_every_length(bool compress)
    {
        var bytes = Archive(compress);
        using var reader = new NpzReader();
        for (var length = 0; length < bytes.Length; length++) Arrays.Refused(() => reader.Read(bytes[..length], "a.npz", "arr_0"), "a.npz");
    }

    [Fact]
    public void Changed_content_fails_the_checksum()
    {
        var bytes = Archive(compress: false);
        bytes[bytes.AsSpan().IndexOf("NUMPY"u8) + 130] ^= 1;
        using var reader = new NpzReader();
        Arrays.Refused(() => reader.Read(bytes, "a.npz", "arr_0"), "a.npz : arr_0: at byte 0", "CRC-32");
    }

    [Theory]
    [InlineData(0)] // in what is folded
    [InlineData(3000)]
    [InlineData(4999)] // in the bytes that are left over
    public void A_flipped_bit_of_a_long_stored_member_fails_the_checksum_wherever_it_is(int place)
    {
        using var folder = new TempFolder();
        Npz.Write(folder.File("a.npz"), [("noise", new HostArray(ArrayType.UInt8, [5000], new byte[5000]))], compress: false);
        var bytes = File.ReadAllBytes(folder.File("a.npz"));
        using var reader = new NpzReader();
        Assert.Equal(5000, reader.Read(bytes, "a.npz", "noise").Count);
        bytes[bytes.AsSpan().IndexOf("NUMPY"u8) - 1 + 128 + place] ^= 4;
        Arrays.Refused(() => reader.Read(bytes, "a.npz", "noise"), "a.npz : noise", "CRC-32");
    }

    [Fact]
    public void A_deflated_member_that_claims_gigabytes_is_refused_at_once()
    {
        var bytes = Archive(compress: true);
        var directory = bytes.AsSpan().IndexOf("PK\x01\x02"u8);
        BitConverter.TryWriteBytes(bytes.AsSpan(directory + 24), 1_900_000_000);
        using var reader = new NpzReader();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Arrays.Refused(() => reader.Read(bytes, "a.npz", "arr_0"), "1900000000", "1032");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Theory]
    [InlineData(10, 12, "compression method 12")]
    [InlineData(8, 1, "encrypted")]
    public void Other_kinds_of_members_are_refused(int offset, byte value, string word)
    {
        var bytes = Archive(compress: true);
        bytes[bytes.AsSpan().IndexOf("PK\x01\x02"u8) + offset] = value;
        using var reader = new NpzReader();
        Arrays.Refused(() => reader.Read(bytes, "a.npz", "arr_0"), word);
    }

    [Fact]
    public void Zip64_sizes_and_end_record_are_read()
    {
        using var reader = new NpzReader();
        Assert.Equal(Features.ToSingles(), reader.Read(Zip64(), "a.npz", "features").ToSingles());
        Mutations.OnlyUserErrors(Zip64(), bytes => reader.Read(bytes, "a.npz", "features"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Damaged_archives_end_in_user_errors(bool compress)
    {
        using var reader = new NpzReader();
        Mutations.OnlyUserErrors(Archive(compress), bytes => reader.Read(bytes, "a.npz", "arr_1"));
    }

    [Fact]
    public void Every_golden_archive_has_the_shapes_of_its_description()
    {
        var description = SharedData.Find("golden/description.json");
        Assert.SkipWhen(description is null, SharedData.SkipReason);
        using var json = JsonDocument.Parse(File.ReadAllBytes(description!));
        var checkedArrays = 0;
        foreach (var file in json.RootElement.GetProperty("files").EnumerateObject().Where(f => f.Name.EndsWith(".npz", StringComparison.Ordinal)))
        {
            var arrays = Npz.ReadAll(SharedData.Find("golden/" + file.Name)!);
            foreach (var (key, array) in arrays)
            {
                if (!file.Value.TryGetProperty(key, out var entry)) continue;
                Assert.Equal(entry.GetProperty("shape").EnumerateArray().Select(e => e.GetInt64()), array.Shape);
                checkedArrays++;
            }
        }

        Assert.True(checkedArrays > 100, $"{checkedArrays} arrays");
    }

    [Fact]
    public void Every_training_file_of_the_digits_is_read()
    {
        var folder = SharedData.Find("data/digits-3m/train/parsed_videos");
        Assert.SkipWhen(folder is null, SharedData.SkipReason);
        using var reader = new NpzReader();
        var files = Directory.GetFiles(folder!, "*.npz", SearchOption.AllDirectories);
        Assert.Equal(900, files.Length);
        foreach (var file in files)
        {
            var array = reader.Read(file, file.EndsWith("_spec.npz", StringComparison.Ordinal) ? "arr_0" : "features");
            Assert.Equal(2, array.Shape.Length);
        }
    }

    [Fact]
    public void Numpy_reads_what_is_written()
    {
        Python.SkipUnlessPresent();
        using var folder = new TempFolder();
        foreach (var compress in (bool[])[false, true])
        {
            Npz.Write(folder.File("a.npz"), [("features", Features), ("flags", new HostArray(ArrayType.Bool, [2], new byte[] { 1, 0 }))], compress);
            var printed = Python.Output("import numpy,sys; z=numpy.load(sys.argv[1]); print(z['features'].tolist(), z['features'].dtype, z['flags'].tolist())", folder.File("a.npz"));
            Assert.Equal("[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] float32 [True, False]", printed);
        }
    }

    [Fact]
    public void What_numpy_writes_is_read()
    {
        Python.SkipUnlessPresent();
        using var folder = new TempFolder();
        Python.Output("import numpy,sys; x=numpy.arange(24).reshape(2,3,4); numpy.savez_compressed(sys.argv[1], f=numpy.asfortranarray(x), h=x.astype('f2'), n=numpy.float64(2))", folder.File("a.npz"));
        var arrays = Npz.ReadAll(folder.File("a.npz"));
        Assert.Equal(Enumerable.Range(0, 24).Select(i => (long)i), arrays["f"].As<long>().ToArray());
        Assert.Equal(Enumerable.Range(0, 24).Select(i => (float)i), arrays["h"].ToSingles());
        Assert.Empty(arrays["n"].Shape);
    }

    static byte[] Archive(bool compress)
    {
        using var folder = new TempFolder();
        Npz.Write(folder.File("a.npz"), [("arr_0", Arrays.Singles([4], 1, 2, 3, 4)), ("arr_1", Features)], compress);
        return File.ReadAllBytes(folder.File("a.npz"));
    }

    /// <summary>A stored member whose sizes and offsets stand in zip64 records only, as for archives beyond 4 GB.</summary>
    static byte[] Zip64()
    {
        var content = NpyTests.Written(Features);
        var crc = System.IO.Hashing.Crc32.HashToUInt32(content);
        using var memory = new MemoryStream();
        using var zip = new BinaryWriter(memory);
        void Sizes() { zip.Write((long)content.Length); zip.Write((long)content.Length); }
        zip.Write("PK\x03\x04"u8); zip.Write((ushort)45); zip.Write(new byte[8]); zip.Write(crc); zip.Write(-1); zip.Write(-1);
        zip.Write((ushort)12); zip.Write((ushort)20); zip.Write("features.npy"u8);
        zip.Write((ushort)1); zip.Write((ushort)16); Sizes();
        zip.Write(content);
        var directory = memory.Length;
        zip.Write("PK\x01\x02"u8); zip.Write((ushort)45); zip.Write((ushort)45); zip.Write(new byte[8]); zip.Write(crc); zip.Write(-1); zip.Write(-1);
        zip.Write((ushort)12); zip.Write((ushort)28); zip.Write((ushort)0); zip.Write(new byte[8]); zip.Write(-1); zip.Write("features.npy"u8);
        zip.Write((ushort)1); zip.Write((ushort)24); Sizes(); zip.Write(0L);
        var end = memory.Length;
        zip.Write("PK\x06\x06"u8); zip.Write(44L); zip.Write((ushort)45); zip.Write((ushort)45); zip.Write(0); zip.Write(0);
        zip.Write(1L); zip.Write(1L); zip.Write(end - directory); zip.Write(directory);
        zip.Write("PK\x06\x07"u8); zip.Write(0); zip.Write(end); zip.Write(1);
        zip.Write("PK\x05\x06"u8); zip.Write(0); zip.Write((ushort)0xffff); zip.Write((ushort)0xffff); zip.Write(-1); zip.Write(-1); zip.Write((ushort)0);
        zip.Flush();
        return memory.ToArray();
    }
}
