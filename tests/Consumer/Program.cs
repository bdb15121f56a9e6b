using Btrfs.Engine;
using Btrfs.Engine.DependencyInjection;
using Btrfs.Engine.Making;
using Btrfs.Interop;
using Btrfs.Space.Making;
using Microsoft.Extensions.DependencyInjection;

string image = Path.Combine(args[0], "consumer.img");
ImageMaker.Make([image], new MakeOptions { DeviceBytes = 256UL << 20 });

using ServiceProvider services = new ServiceCollection()
    .AddBtrfsEngine(options => options.Writable = true)
    .BuildServiceProvider();
using BtrfsFileSystem fs = services.GetRequiredService<BtrfsFileSystemOpener>().Open(image);
fs.CreateSubvolume("home");
fs.CreateFile("home/a.txt");
fs.WriteFile("home/a.txt", 0, "hello"u8);
fs.CreateSnapshot("home", "monday", isReadOnly: true);

using MemoryStream stream = new();
await fs.SendAsync(new SendRequest { Subvolumes = ["monday"] }, stream);
Console.WriteLine($"native library: {(NativeLibraryStatus.IsLoaded ? "loaded" : "not loaded")}");
Console.WriteLine($"stream: {(stream.ToArray().AsSpan().IndexOf("hello"u8) > 0 ? "complete" : "without the data")}");
