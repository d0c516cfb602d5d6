using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer;

/// <summary>Blocks and inodes of the file system below a path, as an ordinary user may use them. An unknown figure is null.</summary>
/// <remarks>statvfs(3) and not DriveInfo, which knows nothing of inodes: without one, writing fails with bytes free.</remarks>
readonly partial record struct FileSystemSpace(long? TotalBytes, long? FreeBytes, long? TotalInodes, long? FreeInodes)
{
    /// <summary>May hang on a dead network file system. No figure where the path cannot be asked.</summary>
    public static FileSystemSpace Of(string path)
    {
        if (StatVfs(path, out var found) != 0) return default;
        var block = found.FragmentBytes > 0 ? found.FragmentBytes : found.BlockBytes;
        // btrfs and others make inodes as they need them and say 0: no limit, so no figure.
        var counted = found.Inodes > 0;
        return new FileSystemSpace(
            TotalBytes: Product(found.Blocks, block),
            FreeBytes: Product(found.BlocksForUsers, block),
            TotalInodes: counted ? Whole(found.Inodes) : null,
            FreeInodes: counted ? Whole(found.InodesForUsers) : null);
    }

    /// <summary>The path with every link followed, or as it is where that fails. .NET follows only a link at its end. May hang.</summary>
    public static unsafe string WithoutLinks(string path)
    {
        var found = RealPath(path, 0);
        if (found == 0) return path;
        var real = Marshal.PtrToStringUTF8(found)!;
        NativeMemory.Free((void*)found);
        return real;
    }

    static long Product(ulong blocks, ulong block) => Whole((UInt128)blocks * block);

    // Some network file systems say "more than can be counted".
    static long Whole(UInt128 value) => value > long.MaxValue ? long.MaxValue : (long)value;

    [LibraryImport("libc", EntryPoint = "statvfs", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatVfs(string path, out Answer answer);

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint RealPath(string path, nint allocate);

    /// <summary>struct statvfs of 64-bit Linux, glibc and musl: 112 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 112)]
    struct Answer
    {
        public ulong BlockBytes, FragmentBytes, Blocks, BlocksFree, BlocksForUsers, Inodes, InodesFree, InodesForUsers;
    }
}
