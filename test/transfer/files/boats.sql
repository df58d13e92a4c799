create table boats(name text);
insert into boats values ('Heron');
