using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// The address of a Unix socket, however deep its folder lies: the kernel takes 107 bytes, so a longer path goes through an open
/// descriptor of the folder. Keep it until the call that uses the address is done.
/// </summary>
sealed partial class SocketPath : IDisposable
{
    const int MostBytes = 107;
    readonly SafeFileHandle? folder;

    public SocketPath(string path)
    {
        if (Encoding.UTF8.GetByteCount(path) <= MostBytes)
        {
            Address = new UnixDomainSocketEndPoint(path);
            return;
        }

        const int pathOnlyDirectoryCloseOnExec = 0x200000 | 0x10000 | 0x80000;
        var descriptor = open(Path.GetDirectoryName(path)!, pathOnlyDirectoryCloseOnExec);
        if (descriptor < 0) throw new IOException($"{path}: its folder cannot be opened (errno {Marshal.GetLastPInvokeError()})");
        folder = new SafeFileHandle(descriptor, ownsHandle: true);
        Address = new UnixDomainSocketEndPoint($"/proc/self/fd/{descriptor}/{Path.GetFileName(path)}");
    }

    public UnixDomainSocketEndPoint Address { get; }

    public void Dispose() => folder?.Dispose();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);
}
