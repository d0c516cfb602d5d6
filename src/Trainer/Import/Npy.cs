namespace Mcn.Web.Trainer.Import;

/// <summary>Arrays in NumPy's .npy format.</summary>
public static class Npy
{
    /// <summary>
    /// The array in the bytes of an .npy file. C-order data are not copied: the result refers to <paramref name="file"/>.
    /// Data that are shorter or longer than the shape says are refused.
    /// </summary>
    public static HostArray Read(ReadOnlyMemory<byte> file, string subject)
    {
        var header = NpyHeader.Parse(file.Span, subject);
        var bytes = header.ByteCount;
        var there = file.Length - header.DataOffset;
        if (bytes != there)
        {
            throw Refusal.At(subject, header.DataOffset, $"{there} bytes of data", $"{bytes} for shape ({string.Join(", ", header.Shape)}) of {header.Type}");
        }

        var data = file[header.DataOffset..];
        if (!header.FortranOrder || header.Shape.Length < 2 || bytes == 0) return new HostArray(header.Type, header.Shape, data);

        var ordered = new byte[bytes];
        ArrayLayout.Gather(data.Span, 0, header.Shape, ArrayLayout.FortranStrides(header.Shape), HostArray.SizeOf(header.Type), ordered);
        return new HostArray(header.Type, header.Shape, ordered);
    }

    /// <summary>Reads an .npy file; the memory is the result's own.</summary>
    public static HostArray Read(string path)
    {
        using var window = new FileWindow(wholeFileBytes: 0);
        window.Open(path);
        if (window.Length > Array.MaxLength) throw Refusal.At(path, 0, $"a file of {window.Length} bytes", "less than 2 GB");
        return Read(window.Bytes(0, (int)window.Length), path);
    }

    /// <summary>Writes an array as numpy.save does.</summary>
    public static void Write(Stream stream, HostArray array)
    {
        stream.Write(NpyHeader.Format(array.Type, array.Shape, ".npy output"));
        stream.Write(array.Data.Span);
    }
}
