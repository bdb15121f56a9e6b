using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Tests.Ctree;

/// <summary>Random changes of a tree and of a sorted list side by side.</summary>
public sealed class TreeModelTests
{
    private static readonly ItemType[] s_types = [ItemType.DirLogItem, ItemType.TemporaryItem, ItemType.StringItem];

    [TestCase(4096, 12000)]
    [TestCase(16384, 8000)]
    [TestCase(65536, 3000)]
    public void A_tree_holds_what_a_sorted_list_holds(int nodeSize, int steps)
    {
        Run run = new(new MemoryBlocks(nodeSize), TestSeed.Random());
        for (int step = 0; step < steps; step++)
        {
            run.Step(isGrowing: step / (steps / 6) % 2 == 0);
            if (step % (steps / 60) == 0)
                run.Audit();
        }

        run.Audit();
        TestContext.Out.WriteLine($"levels up to {run.MaxLevel}");
        run.CheckCommitted();
        run.DeleteAll();
    }

    private sealed class Run(MemoryBlocks blocks, Random random)
    {
        private readonly SortedList<Key, byte[]> _model = [];
        private readonly List<(TreeRoot Root, KeyValuePair<Key, byte[]>[] Items)> _committed = [];

        public int MaxLevel { get; private set; }

        private Tree Tree { get; } = blocks.CreateTree();

        public void Step(bool isGrowing)
        {
            int choice = random.Next(1000);
            if (choice < 8)
                Commit();
            else if (choice < 16)
                Tree.CopyRoot();
            else if (choice < 30)
                blocks.WriteOut(blocks.Held.ElementAt(random.Next(blocks.Held.Count)));
            else if (choice < 50)
                DeleteRange(isGrowing ? 20 : 200);
            else if (choice < (isGrowing ? 550 : 200))
                Insert();
            else if (choice < 650)
                Replace();
            else if (choice < 720)
                Resize();
            else if (choice < 790)
                CutFront();
            else if (choice < (isGrowing ? 800 : 950))
                Delete();
            else
                Get();
        }

        public void Audit()
        {
            TreeAudit audit = TreeAudit.Of(Tree, blocks);
            RequireSame(audit.Items, _model);
            MaxLevel = Math.Max(MaxLevel, Tree.Root.Level);
        }

        public void CheckCommitted()
        {
            foreach ((TreeRoot root, KeyValuePair<Key, byte[]>[] items) in _committed)
            {
                TreeCursor cursor = new(blocks, root);
                List<KeyValuePair<Key, byte[]>> read = [];
                for (bool isOn = cursor.Seek(Key.Min) || cursor.IsValid; isOn; isOn = cursor.MoveNext())
                    read.Add(new(cursor.Key, cursor.Data.ToArray()));
                RequireSame(read, items);
            }
        }

        public void DeleteAll()
        {
            while (_model.Count > 0)
                Delete();
            Audit();
            Assert.That(Tree.Root.Level, Is.Zero);
        }

        private static void RequireSame(List<KeyValuePair<Key, byte[]>> have, IEnumerable<KeyValuePair<Key, byte[]>> expected)
        {
            int at = 0;
            foreach ((Key key, byte[] data) in expected)
            {
                Assert.That(at < have.Count && have[at].Key == key && have[at].Value.AsSpan().SequenceEqual(data), $"item {at}, {key}");
                at++;
            }

            Assert.That(have, Has.Count.EqualTo(at));
        }

        private void Commit()
        {
            blocks.Commit();
            if (_committed.Count < 12)
                _committed.Add((Tree.Root, [.. _model]));
        }

        private void Insert()
        {
            Key key = NewKey();
            byte[] data = NewData();
            if (_model.ContainsKey(key))
            {
                RequireRefused(() => Tree.Insert(key, data));
                return;
            }

            Span<byte> room = Tree.Insert(key, data.Length);
            Assert.That(room.Length == data.Length && room.IndexOfAnyExcept((byte)0) < 0, "a new item is zeroed");
            data.CopyTo(room);
            _model.Add(key, data);

            // Runs of neighbours, as a file's extents are.
            for (int more = random.Next(6) == 0 ? random.Next(40) : 0; more > 0; more--)
            {
                key = key.Next();
                if (!_model.TryAdd(key, data))
                    return;
                Tree.Insert(key, data);
            }
        }

        private void Replace()
        {
            Key key = random.Next(4) == 0 ? NewKey() : SomeKey();
            byte[] data = NewData();
            Tree.Set(key, data);
            _model[key] = data;
        }

        private void Resize()
        {
            Key key = SomeKey();
            if (!_model.TryGetValue(key, out byte[]? data))
            {
                RequireRefused(() => Tree.Resize(key, 1));
                return;
            }

            int size = random.Next(3) == 0 ? NewData().Length : Math.Clamp(data.Length + random.Next(-40, 40), 0, Tree.MaxItemSize);
            byte[] resized = new byte[size];
            data.AsSpan(0, Math.Min(size, data.Length)).CopyTo(resized);
            Assert.That(Tree.Resize(key, size).SequenceEqual(resized));
            _model[key] = resized;
        }

        private void CutFront()
        {
            Key key = SomeKey();
            Key newKey = key with { Offset = unchecked(key.Offset + (ulong)random.Next(-30, 30)) };
            int at = _model.IndexOfKey(key);
            if (at < 0 || (at > 0 && newKey <= _model.GetKeyAtIndex(at - 1)) || (at + 1 < _model.Count && newKey >= _model.GetKeyAtIndex(at + 1)))
            {
                RequireRefused(() => Tree.Rekey(key, newKey));
                return;
            }

            byte[] data = _model.GetValueAtIndex(at);
            int cut = random.Next(2) == 0 ? 0 : random.Next(data.Length + 1);
            if (cut == 0)
                Tree.Rekey(key, newKey);
            else
                Tree.CutFront(key, cut, newKey);
            _model.RemoveAt(at);
            _model.Add(newKey, data[cut..]);
        }

        private void Delete()
        {
            Key key = random.Next(8) == 0 ? NewKey() : SomeKey();
            Assert.That(Tree.TryDelete(key), Is.EqualTo(_model.Remove(key)));
        }

        private void DeleteRange(int most)
        {
            Key first = random.Next(2) == 0 ? NewKey() : SomeKey();
            int begin = FirstIndexFrom(first);
            int end = Math.Min(begin + random.Next(most), _model.Count);
            Key last = end < _model.Count ? _model.GetKeyAtIndex(end) : Key.Max;
            if (end < _model.Count)
                end++;
            Assert.That(Tree.DeleteRange(first, last), Is.EqualTo(end - begin));
            for (int at = end - 1; at >= begin; at--)
                _model.RemoveAt(at);
        }

        private void Get()
        {
            Key key = random.Next(4) == 0 ? NewKey() : SomeKey();
            bool isThere = _model.TryGetValue(key, out byte[]? expected);
            Assert.That(Tree.TryGet(key, out ReadOnlySpan<byte> data), Is.EqualTo(isThere));
            Assert.That(data.SequenceEqual(expected));
            if (random.Next(2) == 0)
                return;

            Assert.That(Tree.TryEdit(key, out Span<byte> edited), Is.EqualTo(isThere));
            if (edited.Length == 0)
                return;

            random.NextBytes(edited);
            _model[key] = edited.ToArray();
        }

        private void RequireRefused(Action change)
        {
            ulong version = Tree.Version;
            int changes = blocks.Changes;
            Assert.Throws<InvariantException>(change);
            Assert.That((Tree.Version, blocks.Changes), Is.EqualTo((version, changes)), "what is refused has changed nothing");
        }

        private int FirstIndexFrom(Key key)
        {
            int low = 0;
            int high = _model.Count;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (_model.GetKeyAtIndex(middle) < key)
                    low = middle + 1;
                else
                    high = middle;
            }

            return low;
        }

        private Key NewKey() => new((ulong)random.Next(4), s_types[random.Next(s_types.Length)], (ulong)random.Next(2000) * 20);

        private Key SomeKey() => _model.Count == 0 ? NewKey() : _model.GetKeyAtIndex(random.Next(_model.Count));

        private byte[] NewData()
        {
            int size = random.Next(20) switch
            {
                0 => random.Next(Tree.MaxItemSize + 1),
                1 => Tree.MaxItemSize - random.Next(60),
                2 => 0,
                < 8 => random.Next(Tree.MaxItemSize / 8),
                _ => random.Next(120),
            };
            byte[] data = new byte[size];
            random.NextBytes(data);
            return data;
        }
    }
}
